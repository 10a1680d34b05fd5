# The text retriever. Built from the root of the repository:
#   docker build -f deploy/docker/text_retriever.Dockerfile -t hemline/text-retriever:0.1.0 .
# A release names the base by its digest: --build-arg PYTHON_IMAGE=python@sha256:...
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS wheel
WORKDIR /src
COPY requirements/build.lock requirements/
RUN pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: -r requirements/build.lock
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY protos protos
COPY catalog catalog
COPY runtime runtime
COPY services services
COPY offline offline
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheel .

FROM ${PYTHON_IMAGE} AS packages
RUN python -m venv /venv
COPY requirements/text.lock /locks/
RUN /venv/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: -r /locks/text.lock
COPY --from=wheel /wheel /wheel
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-index --find-links /wheel hemline==0.1.0

# No compiler, no package manager's cache, nobody with rights.
FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 hemline \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin hemline \
    && install --directory --owner 10001 --group 10001 /data
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
COPY --from=packages /venv /venv
WORKDIR /tmp
USER 10001:10001
EXPOSE 50051 9090
ENTRYPOINT ["python", "-m", "services.text_retriever.main"]
