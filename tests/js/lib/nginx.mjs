// A real nginx in front of a server, as many have it: it compresses, events too, and what a test does not ask for is left
// at its defaults.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort, listens } from './ports.mjs'

const configuration = (port, target, version) => `
# Workers of root's nginx would be another user, which cannot see the folder.
${process.getuid() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
# After a reload, old workers do not wait for streams to end.
worker_shutdown_timeout 100ms;
pid nginx.pid;
error_log stderr error;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  gzip on;
  gzip_types text/event-stream application/json;
  gzip_proxied any;
  gzip_min_length 0;
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass ${target}; proxy_http_version ${version}; }
  }
}
`

/** Starts an nginx in front of a server and waits until it listens. NGINX names the program.
 *
 * `version` is the HTTP that it speaks to the server; 1.0 was its default for long. */
export async function startNginx(target, { version = '1.0' } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'feathers-nginx-'))
  const port = await freePort()
  writeFileSync(join(directory, 'nginx.conf'), configuration(port, target, version))
  let running

  async function start() {
    const child = spawn(process.env.NGINX ?? 'nginx', ['-p', directory, '-c', 'nginx.conf', '-e', 'stderr'], {
      stdio: ['ignore', 'ignore', 'pipe']
    })
    const output = []
    createInterface({ input: child.stderr }).on('line', (line) => output.push(line))
    running = { child, output, exit: new Promise((resolve) => child.on('exit', resolve)) }
    const failed = new Promise((resolve, reject) => {
      child.on('error', reject)
      running.exit.then((code) => reject(new Error(`nginx ended with ${code}\n${output.join('\n')}`)))
    })
    // Once it listens, its exit is no error.
    failed.catch(() => {})
    await Promise.race([listens(port, 'nginx'), failed])
  }

  async function stop() {
    running.child.kill('SIGTERM')
    await running.exit
  }

  await start()
  return {
    url: `http://127.0.0.1:${port}`,
    start,
    stop,
    /** Does what `nginx -s reload` does: new workers take over, and old ones end their connections. */
    reload: () => running.child.kill('SIGHUP'),
    async close() {
      await stop()
      rmSync(directory, { recursive: true, force: true })
    }
  }
}
