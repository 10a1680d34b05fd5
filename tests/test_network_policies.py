"""Promises of the network policies: each edge is one that a setting asks for."""

import json

import pytest

from tests import manifests
from tests.manifests import STAGES, Manifest

DNS = ("kube-dns", 53)
DATABASE = ("postgresql", 5432)


def edges(policy: Manifest) -> set[tuple[str, int]]:
    """Whom a policy lets its pods call, by label and port."""
    found = set()
    for rule in policy["spec"]["egress"]:
        assert rule["to"]
        assert rule["ports"]
        for peer in rule["to"]:
            labels = peer["podSelector"]["matchLabels"]
            name = labels.get("app.kubernetes.io/name") or labels["k8s-app"]
            found |= {(name, port["port"]) for port in rule["ports"]}
    return found


def wanted_edges(stage: str) -> set[tuple[str, int]]:
    """The edges that the settings of a stage ask for: those that hold addresses."""
    told = manifests.told(manifests.main_container(stage))
    found = {DNS}
    for name in manifests.fields_of(stage):
        if name.endswith("_TARGETS") and name in told:
            _, host, port = told[name]["value"].split(":")
            service = manifests.of_kind("Service")[host]["spec"]
            found.add((service["selector"]["app.kubernetes.io/name"], int(port)))
        elif name == "HEMLINE_REDIS_URL":
            found.add(("redis", 6379))
        elif name == "HEMLINE_DATABASE_URL":
            found.add(DATABASE)
        else:
            assert not name.endswith(("_URL", "_TARGETS")) or name == "HEMLINE_ENCODE_TARGETS"
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_may_call_whom_its_settings_name_and_nobody_else(stage: str) -> None:
    policy = manifests.of_kind("NetworkPolicy")[stage]
    assert policy["spec"]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": stage}
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert edges(policy) == wanted_edges(stage)


@pytest.mark.parametrize("stage", sorted(set(STAGES) - {"gateway"}))
def test_a_stage_admits_the_gateway_internal_clients_and_prometheus(stage: str) -> None:
    admitted = {
        (json.dumps(peer["podSelector"]["matchLabels"]), "namespaceSelector" in peer, port["port"])
        for rule in manifests.of_kind("NetworkPolicy")[stage]["spec"]["ingress"]
        for peer in rule["from"]
        for port in rule["ports"]
    }
    assert admitted == {
        ('{"app.kubernetes.io/name": "gateway"}', False, 50051),
        ('{"hemline.io/client": "true"}', True, 50051),
        ('{"app.kubernetes.io/name": "prometheus"}', True, 9090),
    }


def test_what_no_policy_allows_is_denied() -> None:
    policies = manifests.of_kind("NetworkPolicy")
    assert policies["default-deny"]["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }
    assert manifests.pods().keys() <= policies.keys()
    assert edges(policies["redis"]) == set()
    assert edges(policies["build"]) == {DATABASE, DNS}
    assert policies["build"]["spec"]["ingress"] == []
    redis = policies["redis"]["spec"]["ingress"]
    assert [rule["from"] for rule in redis] == [
        [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "gateway"}}}]
    ]
