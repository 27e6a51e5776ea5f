# The image of engines, router and runner. Build the wheel first: make wheel
FROM python:3.11-slim

COPY constraints.txt dist/kvchaos-*.whl /tmp/
RUN pip install --no-cache-dir --constraint /tmp/constraints.txt /tmp/kvchaos-*.whl \
    && rm /tmp/kvchaos-*.whl /tmp/constraints.txt \
    && groupadd --gid 65532 kvchaos \
    && useradd --uid 65532 --gid 65532 --key UID_MAX=65535 --no-log-init --no-create-home \
        --shell /usr/sbin/nologin kvchaos
COPY experiments /opt/kvchaos/experiments
COPY templates /opt/kvchaos/templates

USER 65532:65532
ENTRYPOINT ["kvchaos"]
