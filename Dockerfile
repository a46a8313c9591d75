# The images of compose.yaml: `app`, `nginx` (with the files of static/ and the OpenTelemetry module) and `locust`, and `dev`
# of compose.dev.yaml. The app alone is `docker build --target app .`

FROM node:26.10.0-trixie-slim AS build
WORKDIR /build
# The bundler reads the JSX settings from tsconfig.json.
COPY package.json package-lock.json .npmrc tsconfig.json ./
# The bundler's binary is an npm package, so no install script has to run.
RUN npm ci --omit=dev --ignore-scripts
COPY src/ src/
COPY static/ static/
COPY drizzle/ drizzle/
COPY bin/build.mjs bin/external.mjs bin/keep-external.mjs bin/
RUN npm run build \
 && node dist/static.js www \
 && node bin/keep-external.mjs \
 && npm prune --omit=dev --ignore-scripts \
 && rm -rf node_modules/@libsql/*-musl

FROM node:26.10.0-trixie-slim AS app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=5000 DATABASE_URL=file:/data/tracewren.db
WORKDIR /app
# A named volume gets the owner of this folder.
RUN install -d -o node -g node /data
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules/ node_modules/
COPY --from=build /build/drizzle/ drizzle/
COPY --from=build /build/static/ static/
COPY --from=build /build/dist/ dist/
USER node
VOLUME /data
EXPOSE 5000
HEALTHCHECK --interval=5s --timeout=10s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:'+process.env.PORT+'/readyz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
CMD ["node", "dist/server.js"]

FROM node:26.10.0-trixie-slim AS dev
ENV HOST=0.0.0.0 PORT=5000 DATABASE_URL=file:/data/tracewren.db
WORKDIR /app
RUN install -d -o node -g node /data
COPY package.json package-lock.json .npmrc tsconfig.json ./
RUN npm ci
COPY src/ src/
COPY static/ static/
COPY drizzle/ drizzle/
USER node
VOLUME /data
EXPOSE 5000
HEALTHCHECK --interval=5s --timeout=10s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:'+process.env.PORT+'/readyz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
CMD ["node_modules/.bin/tsx", "watch", "src/main.ts"]

FROM nginx:1.30.5-alpine-otel AS nginx
# In the official image, the logs are links to the standard streams. A volume would inherit the links, and the Collector could
# not read them.
RUN rm -rf /etc/nginx/conf.d /etc/nginx/nginx.conf /var/log/nginx /var/cache/nginx \
 && install -d -o nginx -g nginx /var/log/nginx /var/cache/nginx
COPY nginx/*.conf /etc/nginx/
COPY nginx/container/*.conf /etc/nginx/
COPY nginx/container/trust.sh /docker-entrypoint.d/40-trust.sh
COPY nginx/container/servers.sh /docker-entrypoint.d/45-servers.sh
COPY nginx/container/rotate.sh /docker-entrypoint.d/50-rotate.sh
COPY --from=build /build/www/ /var/www/tracewren/
USER nginx
EXPOSE 80
# The base image uses SIGQUIT, after which nginx waits for a hanging Collector without a limit.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
  CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8081/nginx_status"]
CMD ["nginx", "-p", "/var/", "-c", "/etc/nginx/nginx.conf", "-g", "daemon off;"]

FROM python:3.13.7-slim-bookworm AS locust
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY loadtest/locust/requirements.txt bin/locust/constraints.txt /tmp/
RUN pip install --no-cache-dir --disable-pip-version-check -r /tmp/requirements.txt -c /tmp/constraints.txt \
 && useradd --create-home locust
COPY loadtest/ /loadtest/
USER locust
EXPOSE 8089
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8089/', timeout=4)"]
ENTRYPOINT ["locust", "--locustfile", "/loadtest/locust/locustfile.py"]
