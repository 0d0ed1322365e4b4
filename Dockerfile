# The Python that the tests run; its minor version is the one the tests cover.
ARG PYTHON_IMAGE=docker.io/library/python:3.11.15-slim-bookworm

# hadolint ignore=DL3006 -- the tag is in PYTHON_IMAGE
FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
# Of the machine that builds, where it has them: pip's configuration, and the authorities that its index is signed by.
ENV PIP_CONFIG_FILE=/run/secrets/pip.conf PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/run.txt requirements/build.txt requirements/
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.crt \
    python3 -m venv /tools \
    && python3 -m venv --without-pip /opt/mooring \
    && /tools/bin/pip install --require-hashes --only-binary :all: --requirement requirements/build.txt \
    && /tools/bin/pip --python /opt/mooring/bin/python install --require-hashes --only-binary :all: --no-compile \
        --requirement requirements/run.txt
COPY deploy/image/trim.py deploy/image/
RUN /opt/mooring/bin/python deploy/image/trim.py \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/mooring/lib
COPY pyproject.toml README.md LICENSE ./
COPY daemon daemon
RUN /tools/bin/hatchling build --target wheel --directory /wheel \
    && /tools/bin/pip --python /opt/mooring/bin/python install --no-deps --no-index --no-compile --prefix /opt/own \
        /wheel/*.whl \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/own/lib

# hadolint ignore=DL3006 -- the tag is in PYTHON_IMAGE
FROM ${PYTHON_IMAGE}
COPY --from=build /opt/mooring /opt/mooring
# By itself: a release changes little of what machines hold already.
COPY --from=build /opt/own /opt/mooring
ENV PATH=/opt/mooring/bin:/usr/local/bin:/usr/bin:/bin
WORKDIR /
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["mooring"]
CMD ["run"]
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Mooring" \
      org.opencontainers.image.description="Keeps selector-less Kubernetes Services moored to databases outside the cluster" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
