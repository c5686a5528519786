# Keeps one PostgreSQL server in $FOLDER, for as long as somebody holds its standard input.
#
# Each line of the input is a command, answered with its status on a line of its own; what it said is in $FOLDER/said.
# The superuser's password, which whoever connects needs, is in $FOLDER/password.
# When the input ends, as it does with whoever holds it, however that comes about, the server stops and all is removed.
trap '' HUP INT PIPE TERM
PATH=$PROGRAMS:$PATH
cd "$FOLDER" || exit

# Tests do not mind losing what a power cut takes, and many of them connect at once.
create() {
    od -A n -N 16 -t x1 /dev/urandom | tr -d ' \n' > password
    initdb --pgdata data --username postgres --auth scram-sha-256 --pwfile password \
        --encoding UTF8 --no-locale --no-sync "$@" &&
        cat >> data/postgresql.conf <<'SETTINGS'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 500
fsync = off
full_page_writes = off
SETTINGS
}

# The same as the server on port $1 with the password $2, and following it.
copy() {
    printf %s "$2" > password
    PGPASSWORD=$2 pg_basebackup --pgdata data --host 127.0.0.1 --port "$1" --username postgres \
        --checkpoint fast --write-recovery-conf --no-sync
}

start() {
    pg_ctl --pgdata data --log log --wait --silent --options "-p $PORT" start || { cat log; return 1; }
}

# As a crash would; what has been committed is found again at the next start.
stop() {
    pg_ctl --pgdata data --wait --silent --mode immediate stop
}

running() {
    pg_ctl --pgdata data status
}

promote() {
    pg_ctl --pgdata data --wait --silent promote
}

# The postmaster has no chance to end its children, who find out by themselves. Its number may soon be somebody else's,
# and is forgotten.
murder() {
    kill -KILL "$(head -n 1 data/postmaster.pid)" && rm data/postmaster.pid
}

# Takes all that is left of the disk. Two looks have to agree: a checkpoint may give some of it back meanwhile.
fill() {
    agree=0
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        cat /dev/zero >> data/filler
        if [ "$(df --output=avail data | tail -n 1)" -eq 0 ]; then agree=$((agree + 1)); else agree=0; fi
        [ "$agree" -eq 2 ] && return
    done
    return 1
}

# Again and again, since children of a murdered server may still write. What is left of a disk of its own, which is
# in use here, is empty.
remove() {
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        { rm -rf "$FOLDER" || { [ -d data ] && [ -z "$(ls -A data)" ]; }; } && return
        sleep 1
    done
}

while read -r line; do
    (eval "$line") > said 2>&1 < /dev/null
    echo $?
done
stop > said 2>&1
remove
