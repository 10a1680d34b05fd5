"""Promises of the manifests: valid, locked down, and true to the settings of the stages."""

import json
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from offline.copy_artifacts import main as copy_artifacts
from tests import manifests
from tests.manifests import K8S, STAGES, Manifest

PODS = sorted(manifests.pods())
OBJECTS = manifests.manifests()


def newest_schema() -> str:
    folder = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    versions = [re.match(r"v(\d+)\.(\d+)\.", path.name) for path in folder.iterdir()]
    return "{}.{}".format(*max((int(m[1]), int(m[2])) for m in versions if m))


def name_of(thing: object) -> str:
    if isinstance(thing, tuple):
        path, document = thing
        return f"{path.parent.name}/{document['kind']}/{document['metadata']['name']}"
    return str(thing)


@pytest.mark.parametrize("found", OBJECTS, ids=name_of)
def test_each_object_is_valid(found: tuple[Path, Manifest]) -> None:
    kubernetes_validate.validate(found[1], newest_schema(), strict=True)


def test_a_misspelt_field_would_be_found() -> None:
    broken = json.loads(json.dumps(manifests.of_kind("Deployment")["text"]))
    broken["spec"]["template"]["spec"]["containers"][0]["readOnlyRootFileSystem"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, newest_schema(), strict=True)


@pytest.mark.parametrize("rules", sorted(K8S.rglob("kustomization.yaml")), ids=str)
def test_each_folder_names_its_files_and_no_others(rules: Path) -> None:
    told = yaml.safe_load(rules.read_text())
    named = {*told.get("resources", ()), *(patch["path"] for patch in told.get("patches", ()))}
    assert named == {path.name for path in rules.parent.glob("*.yaml")} - {rules.name}


@pytest.mark.parametrize("name", PODS)
def test_a_pod_is_locked_down(name: str) -> None:
    pod = manifests.pods()[name]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert pod["serviceAccountName"] == name in manifests.of_kind("ServiceAccount")
    kinds = {kind for volume in pod["volumes"] for kind in volume} - {"name"}
    assert kinds <= {"emptyDir", "persistentVolumeClaim", "secret", "configMap"}
    assert all("sizeLimit" in v["emptyDir"] for v in pod["volumes"] if "emptyDir" in v)


@pytest.mark.parametrize("name", PODS)
def test_a_container_is_locked_down(name: str) -> None:
    for container in manifests.containers(manifests.pods()[name]):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert "privileged" not in context
        assert manifests.PINNED.fullmatch(container["image"]), container["image"]
        resources = container["resources"]
        assert resources["requests"]["memory"] == resources["limits"]["memory"]
        assert "cpu" in resources["requests"]
        assert "cpu" not in resources["limits"]


def test_the_namespace_admits_nothing_else() -> None:
    labels = manifests.of_kind("Namespace")["hemline"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_drains_before_it_ends(stage: str) -> None:
    pod = manifests.pods()[stage]["spec"]
    container = manifests.main_container(stage)
    pause = float(manifests.told(container)["HEMLINE_SHUTDOWN_PAUSE_S"]["value"])
    drain = manifests.fields_of(stage)["HEMLINE_DRAIN_S"].default
    sleep = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert isinstance(drain, int | float)
    assert sleep >= 2 * container["readinessProbe"]["periodSeconds"]
    assert pod["terminationGracePeriodSeconds"] >= sleep + pause + drain + 5


@pytest.mark.parametrize("stage", STAGES)
def test_probes_ask_the_health_service_and_liveness_asks_for_nothing_else(stage: str) -> None:
    container = manifests.main_container(stage)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    asked = {probe: container[probe]["grpc"] for probe in container if probe.endswith("Probe")}
    assert asked == {
        "startupProbe": {"port": ports["grpc"], "service": "startup"},
        "readinessProbe": {"port": ports["grpc"], "service": "ready"},
        "livenessProbe": {"port": ports["grpc"]},
    }
    liveness = container["livenessProbe"]
    assert liveness["periodSeconds"] * liveness["failureThreshold"] >= 60


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_rolls_out_scales_and_survives_a_drained_node(stage: str) -> None:
    deployment = manifests.of_kind("Deployment")[stage]["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert deployment["replicas"] >= 2
    keys = {c["topologyKey"] for c in manifests.pods()[stage]["spec"]["topologySpreadConstraints"]}
    assert keys == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
    scaler = manifests.of_kind("HorizontalPodAutoscaler")[stage]["spec"]
    assert scaler["scaleTargetRef"]["name"] == stage
    assert scaler["minReplicas"] == deployment["replicas"]
    assert scaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 300
    budget = manifests.of_kind("PodDisruptionBudget")[stage]["spec"]
    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
    labels = manifests.pods()[stage]["metadata"]["labels"]
    for selector in (deployment["selector"], budget["selector"]):
        assert selector["matchLabels"].items() <= labels.items()


@pytest.mark.parametrize("stage", STAGES)
def test_each_replica_of_a_stage_can_be_found(stage: str) -> None:
    service = manifests.of_kind("Service")[manifests.SERVICES[stage]]["spec"]
    assert service["clusterIP"] == "None"
    assert service["selector"] == {"app.kubernetes.io/name": stage}
    ports = {port["name"] for port in manifests.main_container(stage)["ports"]}
    assert {port["targetPort"] for port in service["ports"]} <= ports


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_told_what_it_reads_and_nothing_else(stage: str) -> None:
    told = manifests.told(manifests.main_container(stage))
    fields = manifests.fields_of(stage)
    assert told.keys() <= fields.keys()
    required = {name for name, field in fields.items() if manifests.is_required(field)}
    assert required <= told.keys()


@pytest.mark.parametrize("stage", STAGES)
def test_secrets_come_from_secrets(stage: str) -> None:
    fields = manifests.fields_of(stage)
    for name, variable in manifests.told(manifests.main_container(stage)).items():
        is_secret = name in fields and bool(fields[name].metadata.get("secret"))
        assert is_secret == ("secretKeyRef" in variable.get("valueFrom", {})), name


@pytest.mark.parametrize("name", PODS)
def test_no_secret_stands_in_a_manifest(name: str) -> None:
    for container in manifests.containers(manifests.pods()[name]):
        for variable in manifests.told(container).values():
            if not re.search("SECRET|PASSWORD|TOKEN|KEY|_URL$", variable["name"]):
                continue
            assert "value" not in variable or variable["value"].startswith("/keys/")
    assert not manifests.of_kind("Secret")


@pytest.mark.parametrize("name", ["text", "image", "encode", "gateway", "build"])
def test_everyone_who_reads_the_catalogue_takes_its_address_from_one_secret(name: str) -> None:
    told = manifests.told(manifests.main_container(name))
    taken = told["HEMLINE_DATABASE_URL"]["valueFrom"]["secretKeyRef"]
    assert taken == {"name": "hemline-database", "key": "url"}


@pytest.mark.parametrize("name", ["gateway", "build"])
def test_the_cluster_refuses_a_catalogue_in_a_file(name: str) -> None:
    told = manifests.told(manifests.main_container(name))
    assert told["HEMLINE_REFUSE_SQLITE"]["value"] == "true"


@pytest.mark.parametrize("stage", ["gateway", "image", "encode"])
def test_photos_and_thumbnails_can_be_written_and_artifacts_cannot(stage: str) -> None:
    container = manifests.main_container(stage)
    told = manifests.told(container)
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    media = mounts[told["HEMLINE_MEDIA_DIR"]["value"]]
    volumes = {v["name"]: v for v in manifests.pods()[stage]["spec"]["volumes"]}
    assert volumes[media["name"]] == {
        "name": "media",
        "persistentVolumeClaim": {"claimName": "hemline-data"},
    }
    assert (media["subPath"], media.get("readOnly")) == ("media", None)
    shared = [m for c in manifests.containers(manifests.pods()[stage]) for m in c["volumeMounts"]]
    assert all(mount["readOnly"] for mount in shared if mount["name"] == "shared")


def test_the_gateway_takes_database_cache_and_keys_from_secrets() -> None:
    told = manifests.told(manifests.main_container("gateway"))
    taken = {
        name: told[name]["valueFrom"]["secretKeyRef"]["name"]
        for name in ("HEMLINE_DATABASE_URL", "HEMLINE_REDIS_URL", "HEMLINE_CACHE_SECRET")
    }
    assert taken == {
        "HEMLINE_DATABASE_URL": "hemline-database",
        "HEMLINE_REDIS_URL": "hemline-redis",
        "HEMLINE_CACHE_SECRET": "hemline-redis",
    }
    volumes = {v["name"]: v for v in manifests.pods()["gateway"]["spec"]["volumes"]}
    assert volumes["keys"]["secret"]["secretName"] == "hemline-keys"
    assert told["HEMLINE_KEY_FILE"]["value"].startswith("/keys/")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_serves_from_a_checked_copy_of_what_it_opens(stage: str) -> None:
    pod = manifests.pods()[stage]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes["shared"]["persistentVolumeClaim"]["readOnly"] is True
    assert "emptyDir" in volumes["artifacts"]
    copy, follow = pod["initContainers"][0], pod["containers"][1]
    assert copy["image"] == follow["image"] == manifests.main_container(stage)["image"]
    assert follow["args"][: len(copy["args"])] == copy["args"]
    assert "--every-s" in follow["args"]
    both = "encoder,image"
    several = {
        "gateway": "fusion,vocabulary",
        "encode": both,
        "image": both,
        "ranking": "ranking,neighbours,popularity",
    }
    kinds = several.get(stage, stage)
    assert copy["args"] == ["/shared", "/artifacts", "--kinds", kinds]
    assert manifests.told(manifests.main_container(stage))["HEMLINE_ARTIFACT_DIR"] == {
        "name": "HEMLINE_ARTIFACT_DIR",
        "value": "/artifacts",
    }


def test_the_copier_knows_its_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = manifests.pods()["image"]["spec"]["initContainers"][0]["args"]
    copy_artifacts([str(tmp_path / "shared"), str(tmp_path / "artifacts"), *args[2:]])
    assert "no release is published" in capsys.readouterr().out


def patches() -> list[tuple[Path, dict[str, Any], Any]]:
    return [
        (rules.parent / patch["path"], patch["target"], document)
        for rules in sorted((K8S / "components").rglob("kustomization.yaml"))
        for patch in yaml.safe_load(rules.read_text()).get("patches", ())
        for document in yaml.safe_load_all((rules.parent / patch["path"]).read_text())
    ]


@pytest.mark.parametrize(
    ("path", "target", "patch"), patches(), ids=lambda p: p.name if isinstance(p, Path) else ""
)
def test_a_component_changes_what_is_there(path: Path, target: dict[str, str], patch: Any) -> None:
    changed = manifests.of_kind(target["kind"])[target["name"]]
    if isinstance(patch, list):
        for step in patch:
            at: Any = changed
            for part in step["path"].strip("/").split("/")[:-1]:
                at = at[int(part)] if isinstance(at, list) else at[part]
            assert isinstance(at, list)
            assert step["op"] == "add"
            assert step["path"].endswith("/-")
        return
    assert patch["metadata"]["name"] == target["name"]
    spec, new = changed["spec"]["template"]["spec"], patch["spec"]["template"]["spec"]
    for kind in ("containers", "initContainers"):
        there = {container["name"] for container in spec[kind]}
        assert {container["name"] for container in new.get(kind, ())} <= there
    for container in new["containers"]:
        assert manifests.told(container).keys() <= manifests.fields_of(target["name"]).keys()


def test_encoders_and_searchers_run_apart_from_one_program() -> None:
    roles = {
        path.name: manifests.told(patch["spec"]["template"]["spec"]["containers"][0])
        for path, _, patch in patches()
        if path.parent.name == "split-image" and isinstance(patch, dict)
    }
    assert roles["search.yaml"]["HEMLINE_ROLE"]["value"] == "search"
    assert roles["gateway.yaml"]["HEMLINE_ENCODE_TARGETS"]["value"] == "dns:image-encoder:50051"
    encode = manifests.told(manifests.main_container("encode"))
    assert encode["HEMLINE_ROLE"]["value"] == "encode"
    assert manifests.main_container("encode")["image"] == manifests.main_container("image")["image"]
