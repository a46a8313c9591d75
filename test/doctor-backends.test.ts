// `npm run doctor` behind the Collector: backends, tenants, Grafana; and on the machine: settings, database, disk, clock.
import assert from 'node:assert/strict'
