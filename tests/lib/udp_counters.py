"""What the kernel counts of UDP in this network."""


def udp_counter(name):
    """Since ever: "InDatagrams" were read, "NoPorts" came where nobody listened."""
    with open("/proc/net/snmp", encoding="ascii") as counters:
        names, values = (line.split() for line in counters if line.startswith("Udp:"))
    return int(values[names.index(name)])


def unread(port):
    """Octets that wait to be read at a port of ours."""
    with open("/proc/net/udp", encoding="ascii") as sockets:
        rows = [line.split() for line in sockets][1:]
    return sum(int(row[4].split(":")[1], 16) for row in rows if int(row[1].split(":")[1], 16) == port)
