# The service as it runs in production: TypeScript sources run by Node directly, PostgreSQL given by DATABASE_URL.
FROM node:24-bookworm-slim

ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8080 \
    SNAPAUDIT_DATA_DIR=/var/lib/snapaudit/data \
    SNAPAUDIT_CONFIG=/etc/snapaudit/snapaudit.yaml

WORKDIR /opt/snapaudit
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && npm cache clean --force
COPY tsconfig.json LICENSE ./
COPY migrations ./migrations
COPY src ./src

# The spool (and the embedded PostgreSQL, where no DATABASE_URL is given) lives here: mount a volume.
RUN install -d -o node -g node /var/lib/snapaudit/data
VOLUME /var/lib/snapaudit/data
USER node
EXPOSE 8080

# HOST is 0.0.0.0 inside the container, so `serve` starts only with SNAPAUDIT_API_TOKEN (or _FILE) set.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]

STOPSIGNAL SIGTERM
CMD ["node", "--max-semi-space-size=8", "--max-old-space-size=1024", "src/cli.ts", "serve"]
