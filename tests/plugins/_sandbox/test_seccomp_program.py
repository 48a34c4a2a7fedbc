"""The assembled filter, run by a small interpreter of classic BPF: both machines are tested on either."""

from __future__ import annotations

import errno
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_base.plugins._sandbox.seccomp import ALLOW, KILL_PROCESS, Check, assemble, worker_rules
from platform_base.plugins._sandbox.syscall_numbers import MACHINES, numbers

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
PID = 4242
ERRNO = 0x00050000


def run(code, number, arguments=(), architecture=0):
    """What the kernel would do: the filter's return value."""
    data = struct.pack("<iIQ6Q", number, architecture, 0, *(list(arguments) + [0] * 6)[:6])
    position = accumulator = 0
    for _ in range(len(code)):
        operation, yes, no, operand = struct.unpack_from("=HBBI", code, 8 * position)
        position += 1
        if operation == 0x20:
            accumulator = struct.unpack_from("<I", data, operand)[0]
        elif operation == 0x54:
            accumulator &= operand
        elif operation == 0x05:
            position += operand
        elif operation == 0x15:
            position += yes if accumulator == operand else no
        elif operation == 0x35:
            position += yes if accumulator >= operand else no
        elif operation == 0x06:
            return operand
        else:
            raise AssertionError(f"unknown operation {operation:#x}")
    raise AssertionError("the filter does not end")


def expected(rule, arguments):
    """The same decision, taken straight from the rule."""
    if not isinstance(rule, Check):
        return ALLOW if rule == ALLOW else ERRNO | rule

    def holds(condition):
        width = (1 << 64) - 1 if condition.wide else (1 << 32) - 1
        value = PID if condition.value is None else condition.value
        return arguments[condition.argument] & width & (condition.mask if not condition.wide else width) == value

    if any(all(map(holds, clause)) for clause in rule.clauses):
        return ALLOW
    return ERRNO | rule.otherwise


@pytest.fixture(params=MACHINES)
def machine(request):
    return request.param


@pytest.fixture
def code(machine):
    return assemble(machine).encode(PID)


def test_every_number_is_treated_by_its_rule(machine, code):
    names = {number: name for name, number in numbers(machine).items()}
    rules = worker_rules()
    wide = [(1 << 64) - 1] * 6
    for number in range(1024):
        rule = rules.get(names.get(number, ""), errno.ENOSYS)
        for arguments in ([0] * 6, wide, [PID] * 6):
            assert run(code, number, arguments, ARCHITECTURES[machine]) == expected(rule, arguments), names.get(number)


WORDS = st.one_of(
    st.sampled_from(
        [
            0,
            1,
            2,
            3,
            0x20,
            0x21,
            0x22,
            0x10100,
            0x3D0F00,
            0o1000,
            0o1001,
            0o1002,
            PID,
            1030,
            1 << 32,
            (1 << 32) | PID,
        ]
    ),
    st.integers(0, (1 << 64) - 1),
)


@pytest.mark.parametrize("machine_name", MACHINES)
@settings(max_examples=300, deadline=None)
@given(data=st.data(), arguments=st.lists(WORDS, min_size=6, max_size=6))
def test_arguments_are_judged_as_the_rules_say(machine_name, data, arguments):
    table = numbers(machine_name)
    checked = sorted(name for name, rule in worker_rules().items() if isinstance(rule, Check) and name in table)
    name = data.draw(st.sampled_from(checked))

    found = run(assemble(machine_name).encode(PID), table[name], arguments, ARCHITECTURES[machine_name])

    assert found == expected(worker_rules()[name], arguments)


def test_a_thread_may_start_and_a_process_may_not(machine, code):
    clone, architecture = numbers(machine)["clone"], ARCHITECTURES[machine]
    pthread = 0x3D0F00

    assert run(code, clone, [pthread], architecture) == ALLOW
    for flags in (0, 17, 0x100, 0x10000, 0x4111, pthread | 0x10000000, pthread | 0x20000000, pthread | 0x80):
        assert run(code, clone, [flags], architecture) == ERRNO | errno.EPERM, hex(flags)


def test_a_pointer_is_compared_on_64_bits_and_an_int_on_32(machine, code):
    table, architecture = numbers(machine), ARCHITECTURES[machine]

    assert run(code, table["sendto"], [3, 0, 0, 0, 1 << 32], architecture) == ERRNO | errno.EPERM
    assert run(code, table["sendto"], [3, 0, 0, 0, 0], architecture) == ALLOW
    assert run(code, table["kill"], [(1 << 32) | PID], architecture) == ALLOW
    assert run(code, table["prlimit64"], [0, 7, 1 << 32], architecture) == ERRNO | errno.EPERM


@pytest.mark.parametrize("number", [0, 1, 39, 500, 0x3FFFFFFF])
def test_another_architecture_is_death(machine, code, number):
    others = {0x40000003, 0x40000028, *ARCHITECTURES.values()} - {ARCHITECTURES[machine]}

    assert {run(code, number, architecture=other) for other in others} == {KILL_PROCESS}


def test_x32_is_death():
    code = assemble("x86_64").encode(PID)

    for number in (0x40000000, 0x40000001, 0x40000000 + 59, -1, -(1 << 31)):
        assert run(code, number, architecture=ARCHITECTURES["x86_64"]) == KILL_PROCESS


def test_every_name_is_in_a_table():
    known = set(numbers("x86_64")) | set(numbers("aarch64"))

    assert set(worker_rules()) <= known


def test_the_filter_fits_with_room(code):
    assert len(code) % 8 == 0
    assert len(code) // 8 <= 2048


@pytest.mark.parametrize(
    ("machine_name", "name", "number"),
    [
        ("x86_64", "read", 0),
        ("x86_64", "execve", 59),
        ("x86_64", "seccomp", 317),
        ("aarch64", "read", 63),
        ("aarch64", "execve", 221),
        ("aarch64", "seccomp", 277),
        ("x86_64", "landlock_create_ruleset", 444),
        ("aarch64", "landlock_create_ruleset", 444),
    ],
)
def test_numbers(machine_name, name, number):
    assert numbers(machine_name)[name] == number


def test_no_number_is_used_twice(machine):
    assert len(set(numbers(machine).values())) == len(numbers(machine))


def test_an_unknown_machine_is_a_clear_error():
    with pytest.raises(ValueError, match="expected one of x86_64, aarch64, got 'riscv64'"):
        numbers("riscv64")
