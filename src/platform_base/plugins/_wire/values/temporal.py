"""Dates, times of day, time stamps and durations of the standard library.

An aware value keeps its offset from UTC and loses the name of its zone: it arrives with a fixed offset, so
that no reader opens a time zone file at a sender's word.
"""

from __future__ import annotations

import struct
from datetime import date, datetime, time, timedelta, timezone

from msgspec import msgpack

from platform_base.plugins._wire.values.base import DecodeError, Kind, Reader, Writer
from platform_base.plugins._wire.values.remedies import Refusal

_DATE, _TIME, _DATETIME, _TIMEDELTA = range(24, 28)
_CLOCK = struct.Struct("<BBBIB")
_OFFSET = struct.Struct("<iiI")


def _write_date(value: date, writer: Writer) -> msgpack.Ext:
    return msgpack.Ext(_DATE, _date_bytes(value))


def _date_bytes(value: date) -> bytes:
    return value.toordinal().to_bytes(4, "little")


def _read_date(payload: memoryview, reader: Reader) -> date:
    if len(payload) != 4:
        raise DecodeError(f"date: expected 4 bytes, got {len(payload)}")
    return date.fromordinal(int.from_bytes(payload, "little"))


def _write_time(value: time, writer: Writer) -> msgpack.Ext:
    return msgpack.Ext(_TIME, _clock_bytes(value))


def _clock_bytes(value: time | datetime) -> bytes:
    clock = _CLOCK.pack(value.hour, value.minute, value.second, value.microsecond, value.fold)
    if value.tzinfo is None:
        return clock
    offset = value.utcoffset()
    if offset is None:
        raise Refusal(f"its tzinfo {value.tzinfo!r} gives no offset from UTC; send a value with a fixed offset")
    return clock + _duration_bytes(offset)


def _read_time(payload: memoryview, reader: Reader) -> time:
    hour, minute, second, microsecond, fold = _CLOCK.unpack(payload[: _CLOCK.size])
    zone = timezone(_duration(payload[_CLOCK.size :])) if len(payload) > _CLOCK.size else None
    return time(hour, minute, second, microsecond, zone, fold=fold)


def _write_datetime(value: datetime, writer: Writer) -> msgpack.Ext:
    return msgpack.Ext(_DATETIME, _date_bytes(value) + _clock_bytes(value))


def _read_datetime(payload: memoryview, reader: Reader) -> datetime:
    return datetime.combine(_read_date(payload[:4], reader), _read_time(payload[4:], reader))


def _write_timedelta(value: timedelta, writer: Writer) -> msgpack.Ext:
    return msgpack.Ext(_TIMEDELTA, _duration_bytes(value))


def _duration_bytes(value: timedelta) -> bytes:
    return _OFFSET.pack(value.days, value.seconds, value.microseconds)


def _read_timedelta(payload: memoryview, reader: Reader) -> timedelta:
    return _duration(payload)


def _duration(payload: memoryview) -> timedelta:
    days, seconds, microseconds = _OFFSET.unpack(payload)
    return timedelta(days, seconds, microseconds)


TEMPORAL = (
    Kind(name="date", types=(date,), code=_DATE, write=_write_date, read=_read_date),
    Kind(name="time", types=(time,), code=_TIME, write=_write_time, read=_read_time),
    Kind(name="datetime", types=(datetime,), code=_DATETIME, write=_write_datetime, read=_read_datetime),
    Kind(name="timedelta", types=(timedelta,), code=_TIMEDELTA, write=_write_timedelta, read=_read_timedelta),
)
