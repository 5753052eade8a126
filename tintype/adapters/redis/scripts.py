"""What else runs inside Redis, and the list of all scripts, which each connection loads."""

from __future__ import annotations

from tintype.adapters.redis import timeline_scripts as timelines
from tintype.adapters.redis.words import Script

# KEYS of values; ARGV a fresh token, lease ms. Says the values, and leases where there are none.
LOOK = Script("""
local reign = ARGV[3]
local held = redis.call('MGET', unpack(KEYS))
for i = 1, #KEYS do
  local entry = held[i]
  local mark = entry and string.sub(entry, 1, 9)
  if mark ~= 'V' .. reign and (mark ~= 'L' .. reign or #entry ~= 17) then
    held[i] = 'L' .. reign .. ARGV[1]
    redis.call('SET', KEYS[i], held[i], 'PX', ARGV[2])
  end
end
return held
""")

# KEYS of a value; ARGV lease, value, ttl ms. Keeps the value if the lease still stands.
FILL = Script("""
local held = redis.call('MGET', KEYS[1])[1]
if held ~= ARGV[1] or string.sub(held, 2, 9) ~= ARGV[4] then return 0 end
redis.call('SET', KEYS[1], 'V' .. ARGV[4] .. ARGV[2], 'PX', ARGV[3])
return 1
""")

# What the scripts of the stream begin with. `last` is the position of a stream that was begun in
# this reign; anything else is removed, and a new beginning is made when there is something to say.
_STREAM = """
local key, reign = KEYS[1], ARGV[#ARGV]
local function begin()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local newest = redis.pcall('XREVRANGE', key, '+', '-', 'COUNT', 1)
local beginning, number
if newest.err then
  redis.call('DEL', key)
elseif newest[1] then
  local left, right = string.match(newest[1][1], '(%d+)-(%d+)')
  if newest[1][2][1] == 'r' and newest[1][2][2] == reign then
    beginning, number = left, tonumber(right)
  else
    redis.call('DEL', key)
  end
end
if not beginning then
  beginning, number = string.format('%.0f', begin()), 1
  redis.call('XADD', key, beginning .. '-1', 'r', reign, 'm', '')
end
"""

# KEYS the stream; ARGV how long it may be, messages.
PUBLISH = Script(
    _STREAM
    + """
for at = 2, #ARGV - 1 do
  number = number + 1
  local name = beginning .. '-' .. string.format('%.0f', number)
  redis.call('XADD', key, 'MAXLEN', '~', ARGV[1], name, 'r', reign, 'm', ARGV[at])
end
return 0
"""
)

# KEYS the stream; ARGV a position, or + for none. Says the reign, the end and what is in between.
SINCE = Script(
    _STREAM
    + """
local entries = {}
if ARGV[1] ~= '+' then entries = redis.call('XRANGE', key, '(' .. ARGV[1], '+') end
return {reign, beginning .. '-' .. string.format('%.0f', number), entries}
"""
)

# KEYS a bucket; ARGV capacity, tokens a second. Says the microseconds until there is a token, or 0.
# Redis keeps the time: clocks of hosts that differ make no tokens.
TAKE = Script("""
local capacity, refill, count = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local tokens = capacity
local held = redis.call('MGET', KEYS[1])[1]
if held and #held == 16 then
  local left, at = struct.unpack('>dd', held)
  if left >= 0 and left <= capacity and at <= now then
    tokens = math.min(capacity, left + (now - at) * refill)
  end
end
if tokens < count then return math.ceil((count - tokens) / refill * 1000000) end
local full = math.ceil((capacity - tokens + count) / refill * 1000) + 1000
local left = struct.pack('>dd', tokens - count, now)
redis.call('SET', KEYS[1], left, 'PX', string.format('%.0f', full))
return 0
""")

SCRIPTS = (
    timelines.PUSH,
    timelines.PAGE,
    timelines.BEGIN,
    timelines.ADD,
    timelines.PURGE,
    timelines.ALL,
    timelines.TRIM,
    LOOK,
    FILL,
    PUBLISH,
    SINCE,
    TAKE,
)
