# Keeps one NATS server in $FOLDER, for as long as somebody holds its standard input.
#
# Each line of the input is a command, answered with its status on a line of its own; what it said is in $FOLDER/said.
# Settings in $FOLDER/settings are the server's. It listens on $ADDRESS, or where only this machine reaches it.
# When the input ends, as it does with whoever holds it, however that comes about, the server stops and all is removed.
trap '' HUP INT PIPE TERM
cd "$FOLDER" || exit
touch settings

start() {
    "$PROGRAM" --config settings --addr "${ADDRESS:-127.0.0.1}" --port "$PORT" --ports_file_dir "$FOLDER" --log "$FOLDER/log" &
    echo $! > pid
    for _ in $(seq 200); do
        # It writes the file once it serves, under a name with its number.
        [ -s "nats-server_$(cat pid).ports" ] && return
        running || break
        sleep 0.05
    done
    cat log
    return 1
}

running() {
    kill -0 "$(cat pid)"
}

# As a crash would. Its number may soon be somebody else's, and is forgotten.
stop() {
    [ -e pid ] || return 0
    kill -KILL "$(cat pid)"
    while running; do sleep 0.02; done
    rm -f pid ./*.ports
}

# It stays, and does nothing.
freeze() {
    kill -STOP "$(cat pid)"
}

thaw() {
    kill -CONT "$(cat pid)"
}

while read -r line; do
    eval "$line" > said 2>&1 < /dev/null
    echo $?
done
stop > said 2>&1
cd / && rm -rf "$FOLDER"
