"""The chaos suite: a real daemon, HAProxy and engine under mixed load while faults strike, every request accounted for.

    app        the replica, which misbehaves on demand         load       what clients do, one record a request
    ground     what differs between Docker and processes       accounts   which failed requests a fault explains
    site       the whole installation, as the faults see it    faults_*   what strikes, and when it is over
    deck       in which order                                  lives      memory and descriptors of the daemons
    run        a run from a seed                               report     what came of it

`python -m tests.chaos --runtime docker --minutes 60 --seed 7`
"""
