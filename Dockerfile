# Three images from one distribution: `collector` measures, `accounting` keeps who used what, `operator`
# reconciles.
#
#   docker build --target collector --tag rackwatt/collector .
#   docker build --target accounting --tag rackwatt/accounting .
#   docker build --target operator --tag rackwatt/operator .
#
# BASE is any Debian with Python 3.11 or newer and its venv module. The packages are pinned by hash in
# images/*.lock (`make lock`), only wheels, so that no compiler is needed. The same BASE, locks
# and SOURCE_DATE_EPOCH give the same layers: `scripts/images` builds that way, and without access
# to a registry builds the base from Debian packages.
ARG BASE=docker.io/library/python:3.13-slim-trixie


FROM ${BASE} AS build
# Byte code has an unchecked hash of its source instead of a time, and is compiled in one process: it
# starts as fast on a read-only root, and is the same in every build.
# The collector's has neither docstrings nor columns of tracebacks, a megabyte and a half on each node.
ENV COMPILE="python3 -m compileall -q -j1 --invalidation-mode=unchecked-hash" \
    COLLECTOR="env PYTHONNODEBUGRANGES=1 python3 -m compileall -q -j1 --invalidation-mode=unchecked-hash -o 2" \
    PACKAGES="/opt/rackwatt/lib/python*/site-packages" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONHASHSEED=0 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ONLY_BINARY=:all: \
    PIP_REQUIRE_VIRTUALENV=1
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/rackwatt
COPY images/build.lock /src/images/
RUN /build/bin/pip install --quiet --no-compile --require-hashes --requirement=/src/images/build.lock
WORKDIR /src


FROM build AS wheel
ARG SOURCE_DATE_EPOCH=0
COPY pyproject.toml README.md LICENSE ./
COPY crds ./crds
COPY exporter ./exporter
COPY operator ./operator
RUN /build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir=/wheels .


# Each image has only its own program: the collector no kopf and no kubernetes client, the operator no
# driver of BMCs, neither a database. Accounting reads schedulers with the collector's packages.
FROM build AS collecting
COPY images/collector.lock images/
RUN /build/bin/pip --python /opt/rackwatt/bin/python install --quiet --no-compile --require-hashes --requirement=images/collector.lock \
 && $COLLECTOR /opt/rackwatt/lib
COPY --from=wheel /wheels /wheels
RUN /build/bin/pip --python /opt/rackwatt/bin/python install --quiet --no-compile --no-deps /wheels/*.whl \
 && rm -rf $PACKAGES/rackwatt_operator $PACKAGES/rackwatt_accounting \
           /opt/rackwatt/bin/rackwatt-operator /opt/rackwatt/bin/rackwatt-acc* \
 && $COLLECTOR $PACKAGES/rackwatt_*

FROM build AS accounted
COPY images/accounting.lock images/
RUN /build/bin/pip --python /opt/rackwatt/bin/python install --quiet --no-compile --require-hashes --requirement=images/accounting.lock \
 && $COLLECTOR /opt/rackwatt/lib
COPY --from=wheel /wheels /wheels
RUN /build/bin/pip --python /opt/rackwatt/bin/python install --quiet --no-compile --no-deps /wheels/*.whl \
 && rm -rf $PACKAGES/rackwatt_operator $PACKAGES/rackwatt_trace \
           /opt/rackwatt/bin/rackwatt-operator /opt/rackwatt/bin/rackwatt-trace /opt/rackwatt/bin/rackwatt-exporter \
 && $COLLECTOR $PACKAGES/rackwatt_*

FROM build AS operating
COPY images/operator.lock images/
RUN /build/bin/pip --python /opt/rackwatt/bin/python install --quiet --no-compile --require-hashes --requirement=images/operator.lock \
 && $COMPILE /opt/rackwatt/lib
COPY --from=wheel /wheels /wheels
RUN /build/bin/pip --python /opt/rackwatt/bin/python install --quiet --no-compile --no-deps /wheels/*.whl \
 && rm -rf $PACKAGES/rackwatt_exporter $PACKAGES/rackwatt_accounting $PACKAGES/rackwatt_trace \
           /opt/rackwatt/bin/rackwatt-exporter /opt/rackwatt/bin/rackwatt-acc* /opt/rackwatt/bin/rackwatt-trace \
 && $COMPILE $PACKAGES/rackwatt_*


FROM ${BASE} AS runtime
# A name for the uid, and a home that nothing is ever written to. Any other uid works as well: no file
# belongs to this one, and nothing outside mounted folders is written.
RUN echo 'rackwatt:x:65532:65532:Rackwatt:/nonexistent:/usr/sbin/nologin' >>/etc/passwd \
 && echo 'rackwatt:x:65532:' >>/etc/group
ENV PATH=/opt/rackwatt/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
LABEL org.opencontainers.image.licenses="Apache-2.0"


FROM runtime AS reader
ENV PYTHONOPTIMIZE=2 \
    PYTHONNODEBUGRANGES=1
# No image has byte code of Python's library like this. On a read-only root it would be created at
# every start, which takes a second of processor and 5 MiB.
RUN python3 -m compileall -q -j1 -o 2 --invalidation-mode=unchecked-hash \
    -x '/(site-packages|ensurepip|idlelib|lib2to3|pydoc_data|tkinter|turtledemo)/' \
    "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
# The system's ssh serves ipmiSsh and commands of schedulers over ssh. It refuses a uid without a name, such as those that
# OpenShift assigns: libnss-unknown names every uid that /etc/passwd lacks, and enters itself into
# nsswitch.conf. Logs and caches of apt contain times.
RUN apt-get -qq update \
 && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends openssh-client libnss-unknown >/dev/null \
 && getent passwd 1000680000 >/dev/null \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache \
           /var/log/apt /var/log/*.log /var/lib/dpkg/*-old


FROM reader AS collector
# Constant lists of a few callbacks: the C++ extension would add its library, a megabyte.
ENV FROZENLIST_NO_EXTENSIONS=1
COPY --from=collecting /opt/rackwatt /opt/rackwatt
LABEL org.opencontainers.image.title="rackwatt/collector" \
      org.opencontainers.image.description="Measures the power of machines and exposes it to Prometheus"
USER 65532:65532
EXPOSE 9123
ENTRYPOINT ["rackwatt-exporter"]
CMD ["run"]


FROM reader AS accounting
COPY --from=accounted /opt/rackwatt /opt/rackwatt
LABEL org.opencontainers.image.title="rackwatt/accounting" \
      org.opencontainers.image.description="Keeps who used what of a scheduler, in joules, grams and hours"
USER 65532:65532
EXPOSE 9124
ENTRYPOINT ["rackwatt-accounting"]
CMD ["run"]


FROM runtime AS operator
# Python's own images hold no byte code of its library, Debian's packages do.
RUN library=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))') \
 && ls "$library"/__pycache__/argparse.*.pyc >/dev/null 2>&1 \
 || python3 -m compileall -q -j1 --invalidation-mode=unchecked-hash \
    -x '/(site-packages|ensurepip|idlelib|lib2to3|pydoc_data|tkinter|turtledemo)/' "$library"
COPY --from=operating /opt/rackwatt /opt/rackwatt
LABEL org.opencontainers.image.title="rackwatt/operator" \
      org.opencontainers.image.description="Turns PowerTargets and SchedulerBindings into running collectors"
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["rackwatt-operator"]
CMD ["run"]
