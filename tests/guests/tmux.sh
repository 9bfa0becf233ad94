#!/bin/sh
# SPDX-License-Identifier: MIT
# tmux: two windows and two panes on one line.
cd /tmp || exit 1
export LC_ALL=C.UTF-8 TERM=linux SHELL=/bin/sh PS1='$ ' ENV=
until_seen() {
	n=0
	while ! tmux capture-pane -p -t "$1" | grep -q "$2"; do
		n=$((n + 1))
		[ $n -lt 100 ] || { echo "never seen: $2"; return; }
		sleep 0.1
	done
	echo "seen: $2"
}
tmux -V
timeout 20 tmux new-session -d -x 80 -y 24 -s work 'sh' || exit 1
tmux send-keys -t work 'tty; stty size; echo in$((1 + 1))' Enter; until_seen work '^in2'
tmux capture-pane -p -t work | grep -E '^(/dev/pts/[0-9]|2[34] 80|in2)$'
tmux split-window -h -t work 'sh'; tmux send-keys -t work:0.1 'stty size; echo ri''ght' Enter; until_seen work:0.1 '^right'
tmux list-panes -t work -F '#{pane_index} #{pane_width}x#{pane_height} #{pane_current_command}'
tmux new-window -t work -n second 'cat'; tmux send-keys -t work:second 'Grüße' Enter; until_seen work:second 'Grüße'
tmux list-windows -t work -F '#{window_index} #{window_name} #{window_panes}' | tail -n 1
tmux send-keys -t work:0.0 'sleep 100' Enter; sleep 1; tmux send-keys -t work:0.0 C-c
tmux send-keys -t work:0.0 'echo status $?' Enter; until_seen work:0.0 '^status 130'
tmux send-keys -t work:0.0 'sleep 100' Enter; sleep 1; tmux send-keys -t work:0.0 C-z; sleep 1
tmux send-keys -t work:0.0 'kill %1; echo stop''ped' Enter; until_seen work:0.0 '^stopped'
tmux resize-window -t work -x 60 -y 20; sleep 0.5; tmux send-keys -t work:0.0 'clear; stty size' Enter
until_seen work:0.0 '^[12][0-9] [0-9]*$'; tmux capture-pane -p -t work:0.0 | grep -E '^[12][0-9] [0-9]*$'
tmux kill-pane -t work:0.1; tmux send-keys -t work:second C-d; sleep 1; tmux list-windows -t work -F '#{window_name}' | wc -l
tmux kill-server; echo "ended $?"; sleep 0.5; tmux ls 2>&1 | sed 's/ (.*//; s/ on.*//'
