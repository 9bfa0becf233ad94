# SPDX-License-Identifier: MIT
use strict;
use warnings;
use threads;
use threads::shared;
use Fcntl qw(:flock :seek F_SETLK F_GETFL);
use POSIX qw(:sys_wait_h :signal_h);
use Socket;
use Time::HiRes qw(usleep ualarm time);
use IPC::Open3;
use IPC::SysV qw(IPC_PRIVATE IPC_CREAT IPC_RMID S_IRUSR S_IWUSR);
use Thread::Queue;

$| = 1;
print "perl $^V\n";
my $counter :shared = 0;
my @threads = map {
    threads->create(sub { for (1 .. 300) { lock $counter; $counter++ } return $_[0] * 2 }, $_)
} 1 .. 4;
print "returned ", join(" ", map { $_->join } @threads), ", counter $counter\n";
my $queue = Thread::Queue->new;
my $consumer = threads->create(
    sub { my $sum = 0; while (defined(my $n = $queue->dequeue)) { $sum += $n } return $sum });
$queue->enqueue(1 .. 100);
$queue->end;
print "queue ", $consumer->join, "\n";

my @children;
for my $i (1 .. 5) {
    my $pid = fork // die;
    exit $i if !$pid;
    push @children, $pid;
}
print "children ", join(" ", map { waitpid $_, 0; $? >> 8 } @children), "\n";
pipe my $r, my $w;
if (!fork) { close $r; print $w "line $_\n" for 1 .. 1000; exit }
close $w;
my @lines = <$r>;
wait;
print "pipe ", scalar(@lines), " $lines[-1]";
socketpair my $a, my $b, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die;
syswrite $a, "over a socket";
sysread $b, my $text, 100;
print "$text\n";
my $caught = 0;
$SIG{USR1} = sub { $caught++ };
kill USR1 => $$ for 1 .. 5;
print "caught ", $caught > 0 ? "yes" : "no", "\n";
$SIG{ALRM} = sub { die "alarm\n" };
eval { ualarm 50000; sleep 10 };
print "died of $@";
print "system ", system("/bin/busybox", "sh", "-c", "exit 6") >> 8, " ", `/bin/busybox echo again`;
system "kill -9 \$\$";
print "signal ", $? & 127, "\n";
my $pid = open3(my $in, my $out, undef, "/bin/busybox", "tr", "a-z", "A-Z");
print $in "filtered\n";
close $in;
print <$out>;
waitpid $pid, 0;

open my $file, "+>", "/tmp/t.perl" or die;
print "flock ", flock($file, LOCK_EX) ? 1 : 0;
open my $other, "<", "/tmp/t.perl" or die;
print flock($other, LOCK_SH | LOCK_NB) ? " free" : " held", "\n";
print $file "abc";
seek $file, 0, SEEK_SET;
truncate $file, 2;
print "size ", -s "/tmp/t.perl", " ", (stat "/tmp/t.perl")[2] & 0777, "\n";
my $id = shmget IPC_PRIVATE, 4096, S_IRUSR | S_IWUSR | IPC_CREAT;
if (defined $id) {
    if (!fork) { shmwrite $id, "from a child", 0, 20; exit }
    wait;
    shmread $id, my $seen, 0, 12;
    print "shared memory $seen\n";
    shmctl $id, IPC_RMID, 0;
} else { print "shmget: $!\n" }
$id = msgget IPC_PRIVATE, S_IRUSR | S_IWUSR | IPC_CREAT;
if (defined $id) {
    if (!fork) { msgsnd $id, pack("l! a*", 3, "a message"), 0; exit }
    msgrcv $id, my $message, 100, 3, 0;
    wait;
    print "queue ", (unpack "l! a*", $message)[1], "\n";
    msgctl $id, IPC_RMID, 0;
} else { print "msgget: $!\n" }
$id = semget IPC_PRIVATE, 1, S_IRUSR | S_IWUSR | IPC_CREAT;
if (defined $id) {
    if (!fork) { usleep 50000; semop $id, pack("s!3", 0, 1, 0); exit }
    semop $id, pack("s!3", 0, -1, 0) and print "semaphore\n";
    wait;
    semctl $id, 0, IPC_RMID, 0;
} else { print "semget: $!\n" }
my $set = POSIX::SigSet->new(SIGUSR2);
sigprocmask SIG_BLOCK, $set;
kill USR2 => $$;
my $pending = POSIX::SigSet->new;
sigpending $pending;
print "pending ", $pending->ismember(SIGUSR2), "\n";
print "sorted ", join(",", sort { $a <=> $b } map { $_ * 7 % 11 } 1 .. 10), "\n";
my ($user, $system) = times;
print "times ", $user + $system < 100 ? "fine" : "wrong", " ", (getpwuid $<)[0], "\n";
exit 11;
