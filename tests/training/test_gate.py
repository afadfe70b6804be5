"""The gate: many read, one changes."""

import threading
import time

from unidl.training.gate import Gate


def in_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def test_readers_do_not_wait_for_each_other():
    gate, both = Gate(), threading.Barrier(2, timeout=10)

    def read():
        with gate.reading():
            both.wait()

    threads = [in_thread(read) for _ in range(2)]
    for thread in threads:
        thread.join()
    assert not both.broken


def test_a_writer_waits_for_readers_and_readers_for_it():
    gate, log = Gate(), []
    reads, writes = threading.Event(), threading.Event()

    def read():
        with gate.reading():
            reads.set()
            time.sleep(0.05)
            log.append("read")

    def write():
        reads.wait()
        with gate.writing():
            writes.set()
            log.append("begin")
            time.sleep(0.05)
            log.append("end")

    def read_later():
        writes.wait()
        with gate.reading():
            log.append("read again")

    threads = [in_thread(f) for f in (read, write, read_later)]
    for thread in threads:
        thread.join()
    assert log == ["read", "begin", "end", "read again"]


def test_a_new_reader_waits_for_a_writer_without_readers():
    gate, log, writes = Gate(), [], threading.Event()

    def read():
        writes.wait()
        with gate.reading():
            log.append("read")

    thread = in_thread(read)
    with gate.writing():
        writes.set()
        time.sleep(0.05)
        log.append("written")
    thread.join()
    assert log == ["written", "read"]


def test_who_writes_may_read_and_write():
    gate = Gate()
    with gate.reading():
        pass
    with gate.writing(), gate.writing(), gate.reading():
        pass


def test_locks_of_threads_that_are_gone_are_dropped():
    gate = Gate()

    def read():
        with gate.reading():
            pass

    for _ in range(20):
        in_thread(read).join()
    assert len(gate._locks) <= 2
