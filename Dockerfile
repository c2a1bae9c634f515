# One file for all images: `docker build --target order .`
# The build stage has every development package; the others only what runs.

FROM swift:6.3-bookworm AS build
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends libssl-dev libsqlite3-dev libpq-dev libpango1.0-dev libcairo2-dev \
       libqrencode-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Package.swift ./
COPY Services Services
COPY Shared Shared
COPY Tests Tests
COPY Benchmarks Benchmarks
RUN for product in auth order payment refund invoice portal sandbox baohan; do \
      swift build -c release --static-swift-stdlib --product $product || exit 1; done \
    && mkdir /out \
    && for product in auth order payment refund invoice portal sandbox baohan; do \
      install -s .build/release/$product /out/$product; done

FROM debian:bookworm-slim AS base
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends libssl3 libsqlite3-0 libpq5 ca-certificates tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home /state baohan && install -d -o baohan /state
USER baohan
VOLUME /state

# Services that draw documents need fonts and the libraries that draw.
FROM base AS documents
USER root
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends libpangocairo-1.0-0 libcairo2 libqrencode4 fonts-droid-fallback \
       fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/*
USER baohan

FROM documents AS auth
COPY --from=build /out/auth /usr/local/bin/auth
HEALTHCHECK --interval=5s --start-period=5s CMD ["auth", "health"]
CMD ["auth"]

FROM documents AS order
COPY --from=build /out/order /usr/local/bin/order
HEALTHCHECK --interval=5s --start-period=5s CMD ["order", "health"]
CMD ["order"]

FROM base AS payment
COPY --from=build /out/payment /usr/local/bin/payment
HEALTHCHECK --interval=5s --start-period=5s CMD ["payment", "health"]
CMD ["payment"]

FROM base AS refund
COPY --from=build /out/refund /usr/local/bin/refund
HEALTHCHECK --interval=5s --start-period=5s CMD ["refund", "health"]
CMD ["refund"]

FROM documents AS invoice
COPY --from=build /out/invoice /usr/local/bin/invoice
HEALTHCHECK --interval=5s --start-period=5s CMD ["invoice", "health"]
CMD ["invoice"]

FROM base AS portal
COPY --from=build /out/portal /usr/local/bin/portal
HEALTHCHECK --interval=5s --start-period=5s CMD ["portal", "health"]
CMD ["portal"]

FROM base AS sandbox
COPY --from=build /out/sandbox /usr/local/bin/sandbox
HEALTHCHECK --interval=5s --start-period=5s CMD ["sandbox", "health"]
CMD ["sandbox"]

FROM base AS baohan
COPY --from=build /out/baohan /usr/local/bin/baohan
ENTRYPOINT ["baohan"]
