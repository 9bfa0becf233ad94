// SPDX-License-Identifier: MIT
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const { spawn, execFileSync, fork } = require('child_process');
const fs = require('fs');
const net = require('net');
const os = require('os');
const zlib = require('zlib');
const crypto = require('crypto');

if (process.send) {
    process.on('message', m => { process.send(m * 2); process.disconnect(); });
} else if (!isMainThread) {
    const cells = new Int32Array(workerData);
    for (let i = 0; i < 10000; i++)
        Atomics.add(cells, 0, 1);
    Atomics.wait(cells, 1, 0, 20000);
    parentPort.postMessage(cells[1]);
} else {
    main();
}

async function main() {
    const memory = new SharedArrayBuffer(8), cells = new Int32Array(memory);
    const workers = [1, 2, 3].map(() => new Worker(__filename, { workerData: memory }));
    const answers = workers.map(w => new Promise(r => w.once('message', r)));
    while (Atomics.load(cells, 0) < 30000)
        await new Promise(r => setTimeout(r, 10));
    Atomics.store(cells, 1, 7);
    Atomics.notify(cells, 1);
    console.log('workers', cells[0], await Promise.all(answers));
    const files = [];
    for (let i = 0; i < 20; i++)
        files.push(fs.promises.writeFile(`/tmp/t.${i}`, 'x'.repeat(i * 1000))
            .then(() => fs.promises.stat(`/tmp/t.${i}`)));
    console.log('files', (await Promise.all(files)).reduce((sum, s) => sum + s.size, 0));
    const server = net.createServer(c => c.pipe(c)).listen('/tmp/t.sock');
    await new Promise(r => server.once('listening', r));
    const echoed = await new Promise(r => {
        let n = 0;
        const c = net.connect('/tmp/t.sock', () => c.end('y'.repeat(300000)));
        c.on('data', d => n += d.length).on('end', () => r(n));
    });
    server.close();
    console.log('echo', echoed);
    console.log('child', execFileSync('/bin/busybox', ['echo', 'hello']).toString().trim());
    const child = spawn('/bin/sh', ['-c', 'cat; exit 3']);
    let out = 0;
    child.stdout.on('data', d => out += d.length);
    child.stdin.end('z'.repeat(100000));
    console.log('spawn', await new Promise(r => child.on('close', r)), out);
    const killed = spawn('/bin/busybox', ['sleep', '100']);
    killed.kill();
    console.log('killed', await new Promise(r => killed.on('exit', (code, signal) => r(signal))));
    const forked = fork(__filename);
    forked.send(21);
    console.log('fork', await new Promise(r => forked.once('message', r)));
    const zipped = await new Promise(r => zlib.gzip('a'.repeat(100000), (e, b) => r(b)));
    console.log('gzip', zlib.gunzipSync(zipped).length);
    const key = await new Promise(r => crypto.pbkdf2('p', 's', 100, 8, 'sha1', (e, k) => r(k)));
    console.log('hash', crypto.createHash('sha256').update('x').digest('hex').slice(0, 16),
        key.toString('hex'));
    const order = [];
    setTimeout(() => order.push('timeout'), 5);
    setImmediate(() => order.push('immediate'));
    process.nextTick(() => order.push('tick'));
    await new Promise(r => setTimeout(r, 50));
    console.log(order.join(' '), os.type(), os.cpus().length > 0, process.memoryUsage().rss > 1e6);
    let junk = [];
    for (let i = 0; i < 300; i++)
        junk = [new Array(10000).fill(i), junk[0]];
    console.log('collected', junk[0].length);
    process.on('SIGUSR2', () => { console.log('signal'); process.exit(4); });
    process.kill(process.pid, 'SIGUSR2');
    setInterval(() => {}, 1000);
}
