#!/bin/sh
# SPDX-License-Identifier: MIT
# git: commits, branches, merges, packs; the names of its objects depend on every byte.
export HOME=/root GIT_AUTHOR_DATE='2024-01-01T12:00:00Z' GIT_COMMITTER_DATE='2024-01-01T12:00:00Z' LC_ALL=C TZ=UTC0
rm -rf /tmp/t && mkdir /tmp/t && cd /tmp/t || exit 1
git --version
git init -q work && cd work || exit 1
for i in 1 2 3 4 5; do seq $((i * 1000)) > file$i; git add file$i; git commit -q -m "commit $i"; done
git log --oneline; git rev-parse HEAD
git checkout -q -b side HEAD~2; echo side > side; git add side; git commit -q -m side
git checkout -q main; git merge -q --no-edit side && git log --graph --format=%s | head -n 8
echo a >> file1; git stash -q; git status --short; git stash pop -q; git status --short; git diff --stat
git commit -q -a -m changed; git tag -a v1 -m one; git describe; git blame -s file1 | tail -n 1
git checkout -q -b topic HEAD~3; echo t > topic; git add topic; git commit -q -m topic; git rebase -q main && git log --format=%s | head -n 2
git checkout -q -b conflict HEAD~1; echo mine > topic; git add topic; git commit -q -m mine; git merge topic 2>&1 | tail -n 1; git merge --abort; git status --short
for i in $(seq 100); do echo $i > many$i; done; git add .; git commit -q -m many; git repack -a -d -q; git gc -q; git fsck --full 2>&1; git count-objects -v | grep -E 'in-pack|garbage'
cd .. && git clone -q work copy && cd copy && git rev-parse HEAD && git log --oneline | wc -l
echo pushed > pushed; git add .; git commit -q -m pushed; git push -q origin HEAD:pushed 2>&1; git -C ../work log -1 --format=%s pushed
git worktree add -q ../tree HEAD~1 && ls ../tree | wc -l; git grep -c mine | head -n 1; git archive HEAD | sha256sum; git config --get user.name
git -c pack.threads=4 repack -a -d -f -q && git fsck 2>&1 && echo "packed by threads"
