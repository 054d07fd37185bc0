# Seamark as a container image: built on Debian stable, run on the same release with the libraries that it links, for
# Debian's security updates. Nothing in it needs a shell; it runs as a numeric user that is not root.
#
#   docker build -t seamark .        (or: buildah build -t seamark .)

FROM debian:trixie-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
        gcc g++ libc6-dev make pkg-config libcap2-bin \
        libcurl4-openssl-dev libevent-dev libjson-c-dev libldns-dev libnghttp2-dev libre2-dev libssl-dev libunbound-dev liburcu-dev \
        libyaml-dev zlib1g-dev
WORKDIR /src
COPY Makefile CHANGELOG.md ./
COPY src src
RUN make -j"$(nproc)" && make install DESTDIR=/out PREFIX=/usr && strip /out/usr/bin/*
# Port 53 without root. The container must be given the capability as well (NET_BIND_SERVICE, as Docker does by default
# and as contrib/kubernetes/deployment.yaml asks for): the program does not start without it.
RUN setcap cap_net_bind_service=+ep /out/usr/bin/seamark

FROM debian:trixie-slim
RUN apt-get update && apt-get upgrade -y && apt-get install -y --no-install-recommends \
        ca-certificates \
        libcurl4t64 libevent-2.1-7t64 libevent-pthreads-2.1-7t64 libjson-c5 libldns3t64 libnghttp2-14 libre2-11 \
        libssl3t64 libunbound8 liburcu8t64 libyaml-0-2 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o 65532 -g 65532 /var/lib/seamark /var/lib/seamark/zones
COPY --from=build /out/ /
USER 65532:65532
EXPOSE 53/udp 53/tcp 8080/tcp 8181/tcp 9153/tcp
VOLUME /var/lib/seamark/zones
ENTRYPOINT ["/usr/bin/seamark"]
