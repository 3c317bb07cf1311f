# One image for every process: a service, the operator, the command line, and the load of
# `docker compose --profile traffic`. What is copied into it: .dockerignore.

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:24.21.0-bookworm-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="relink" \
  org.opencontainers.image.description="Moves live links between services, gRPC to NATS JetStream and back" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="$VERSION" \
  org.opencontainers.image.revision="$REVISION"
# A container is reached from outside of it, and faults are for the project's own tests.
ENV NODE_ENV=production RELINK_HOST=0.0.0.0 RELINK_PRODUCTION=true
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY . .
RUN ln -s /app/operator/cli/bin.js /usr/local/bin/relink
USER node
# The program itself is the first process, so that signals reach it: `docker run relink services/hiring/main.ts`.
ENTRYPOINT ["node"]
CMD ["operator/main.ts"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "-e", \
  "fetch(`http://127.0.0.1:${process.env.RELINK_HTTP_PORT ?? 8070}/readyz`).then(async (r) => { console.log(await r.text()); process.exitCode = r.ok ? 0 : 1 })"]
