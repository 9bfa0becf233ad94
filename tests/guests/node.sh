#!/bin/sh
# SPDX-License-Identifier: MIT
# node: an event loop, its threads, workers and children.
node --version
timeout 100 node /tests/guest/node.js
echo "status $?"
node -e 'setTimeout(() => process.exit(5), 10)'; echo "exit $?"
node -e 'process.on("SIGTERM", () => { console.log("TERM"); process.exit(0); }); setInterval(() => {}, 1000);
	require("fs").writeFileSync("/tmp/ready", "")' &
while [ ! -e /tmp/ready ]; do sleep 0.1; done
kill $!; wait $!; echo "ended $?"
