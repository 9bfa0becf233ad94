#!/bin/sh
# SPDX-License-Identifier: MIT
# sqlite3: processes that write one database, with a journal and with an index in shared memory.
cd /tmp && rm -f ./*.db*
sqlite3 --version | cut -d' ' -f1
q() { sqlite3 -cmd '.timeout 60000' "$@"; }
count="with recursive c(v) as (select 1 union all select v + 1 from c limit 50)"
for mode in delete wal truncate; do
	db=$mode.db
	q $db "pragma journal_mode=$mode; create table t(who, n); create index i on t(n);"
	for who in 1 2 3 4; do
		(for n in 1 2 3 4 5 6; do
			q $db "begin immediate; $count insert into t select $who, v from c; commit;" || echo "failed $?"
		done) &
	done
	wait
	q $db "select who, count(*), sum(n) from t group by who; pragma integrity_check;"
done
q t.db "create table t(a integer primary key, b text); begin; insert into t(b) values('x'),('y'); rollback;
	select count(*) from t; insert into t(b) values('kept');"
printf 'begin exclusive;\ninsert into t(b) values(1);\n.system sleep 2\ncommit;\n' | sqlite3 t.db &
sleep 1; sqlite3 t.db "insert into t(b) values(2)" 2>&1; wait
q t.db "select * from t; vacuum; pragma page_count;"
printf 'begin;\ninsert into t(b) select hex(zeroblob(100000)) from t;\n.system kill -9 $PPID\n' | sqlite3 t.db
echo "killed in the middle"; q t.db "select count(*) from t; pragma integrity_check;"
q :memory: "select upper('a'), 7/2.0, strftime('%s', '2024-01-01');"
q t.db ".dump" | sha256sum
