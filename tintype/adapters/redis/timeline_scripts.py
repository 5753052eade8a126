"""What runs inside Redis: each script touches the keys of one slot, and is atomic.

A timeline is two keys of one slot:

    h{account}  ZSET    ('' : -build)  (id : 0)  (id : 0) …     the newest id first
    m{account}  STRING  floor 8 | build 4 | cap 2 | state 1 | version 1 | epoch 8

An id is stored as the 8 bytes of its complement, so that byte order is newest first and exact. The
first member of the ZSET is empty and carries the build as its score: when one of the two keys is
lost, evicted or overwritten, they do not fit together, and the timeline is absent. 340 ids, this
member and the header fill 4 096 bytes, one allocation class.

The epoch stands in a key of its own in each slot (``e``), together with the *reign* of the server
under which it was made. A server that was restarted or promoted has another reign: what it holds
may lack deliveries that were acknowledged, so all of it is absent.
"""

from __future__ import annotations

from tintype.adapters.redis.words import Script

EPOCH = 8

# What several scripts begin with. `fits` is the state of a timeline when all its parts belong
# together and to this reign; numbers are compared by halves, since Lua has 53 bits and its string
# comparison depends on the locale.
_COMMON = """
local function newer(a, b)
  local a1, a2 = struct.unpack('>I4I4', a)
  local b1, b2 = struct.unpack('>I4I4', b)
  return a1 < b1 or (a1 == b1 and a2 < b2)
end
local function fits(h, m, e)
  local values = redis.call('MGET', m, e)
  local meta, epoch = values[1], values[2]
  if not meta or not epoch or #meta ~= 24 or epoch ~= ARGV[#ARGV] .. string.sub(meta, 17) then
    return nil
  end
  local first = redis.pcall('ZRANGE', h, 0, 0, 'WITHSCORES')
  if first.err or first[1] ~= '' or tonumber(first[2]) ~= -struct.unpack('>I4', meta, 9) then
    return nil
  end
  return meta
end
local function trim(h, m, meta, keep)
  local count = redis.call('ZCARD', h) - 1
  if count > keep then
    local floor = redis.call('ZRANGE', h, keep + 1, keep + 1)[1]
    redis.call('ZREMRANGEBYRANK', h, keep + 1, -1)
    redis.call('SETRANGE', m, 0, floor)
    return floor .. string.sub(meta, 9)
  end
  return meta
end
"""

# KEYS e, then h and m of each account; ARGV id. Says how many of the timelines exist.
# The state is not looked at whole: what is delivered to a timeline that is absent for another
# reason is never shown, and a ZSET that this very delivery made has one member and is removed.
PUSH = Script("""
local id, found = ARGV[1], 0
local epoch = redis.call('MGET', KEYS[1])[1]
if not epoch or string.sub(epoch, 1, 8) ~= ARGV[2] then return 0 end
epoch = string.sub(epoch, 9)
local i1, i2 = struct.unpack('>I4I4', id)
for i = 2, #KEYS, 2 do
  local h, m = KEYS[i], KEYS[i + 1]
  local meta = redis.call('MGET', m)[1]
  if meta and #meta == 24 and string.sub(meta, 17) == epoch then
    local f1, f2, build, cap = struct.unpack('>I4I4I4I2', meta)
    found = found + 1
    if i1 < f1 or (i1 == f1 and i2 < f2) then
      local added = redis.pcall('ZADD', h, 0, id)
      if type(added) == 'table' then
        found = found - 1
      elseif added == 1 then
        local count = redis.call('ZCARD', h)
        if count == 1 then
          redis.call('DEL', h)
          found = found - 1
        elseif count > cap + 1 then
          local floor = redis.call('ZRANGE', h, cap + 1, cap + 1)[1]
          redis.call('ZREMRANGEBYRANK', h, cap + 1, -1)
          redis.call('SETRANGE', m, 0, floor)
        end
      end
    end
  end
end
return found
""")

# KEYS h m e; ARGV below, limit, idle ms. Says what the timeline is and the ids in one string.
PAGE = Script(
    _COMMON
    + """
local meta = fits(KEYS[1], KEYS[2], KEYS[3])
if not meta then
  local epoch = redis.call('MGET', KEYS[3])[1]
  return (epoch and string.sub(epoch, 1, 8) ~= ARGV[4]) and 1 or 0
end
local floor = '(' .. string.sub(meta, 1, 8)
local ids = redis.call('ZRANGE', KEYS[1], '(' .. ARGV[1], floor, 'BYLEX', 'LIMIT', 0, ARGV[2])
if string.sub(meta, 15, 15) == 'R' then
  local idle = tonumber(ARGV[3])
  if redis.call('PTTL', KEYS[2]) < idle * 0.99 then
    redis.call('PEXPIRE', KEYS[1], idle)
    redis.call('PEXPIRE', KEYS[2], idle)
  end
end
return {meta, table.concat(ids)}
"""
)

# KEYS h m e; ARGV build, cap, a fresh epoch, build ms. Says the build.
BEGIN = Script("""
local epoch = redis.call('MGET', KEYS[3])[1]
if not epoch or #epoch ~= 16 or string.sub(epoch, 1, 8) ~= ARGV[5] then
  epoch = ARGV[5] .. ARGV[3]
  redis.call('SET', KEYS[3], epoch)
end
local build = tonumber(ARGV[1])
local old = redis.call('MGET', KEYS[2])[1]
if old and #old == 24 and struct.unpack('>I4', old, 9) == build then
  build = build % 2147483647 + 1
end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('ZADD', KEYS[1], -build, '')
redis.call('PEXPIRE', KEYS[1], ARGV[4])
local floor = '\\127' .. string.rep('\\255', 7)
local meta = floor .. struct.pack('>I4I2', build, tonumber(ARGV[2])) .. 'B1'
redis.call('SET', KEYS[2], meta .. string.sub(epoch, 9), 'PX', ARGV[4])
return build
""")

# KEYS h m e; ARGV build or -1, floor, idle ms, ids in one string, newest first. Says whether the
# ids were taken. They go in by hundreds and are trimmed between, so the ZSET stays compact.
ADD = Script(
    _COMMON
    + """
local h, m = KEYS[1], KEYS[2]
local meta = fits(h, m, KEYS[3])
local build, ids = tonumber(ARGV[1]), ARGV[4]
if not meta or (build >= 0 and struct.unpack('>I4', meta, 9) ~= build) then return 0 end
local cap = struct.unpack('>I2', meta, 13)
if newer(ARGV[2], string.sub(meta, 1, 8)) then
  local first = redis.call('ZRANGE', h, '[' .. ARGV[2], '+', 'BYLEX', 'LIMIT', 0, 1)[1]
  if first then
    redis.call('ZREMRANGEBYRANK', h, redis.call('ZRANK', h, first), -1)
  end
  redis.call('SETRANGE', m, 0, ARGV[2])
  meta = ARGV[2] .. string.sub(meta, 9)
end
local batch = {}
for at = 1, #ids, 8 do
  local id = string.sub(ids, at, at + 7)
  if newer(id, string.sub(meta, 1, 8)) then
    batch[#batch + 1] = 0
    batch[#batch + 1] = id
  end
  if #batch == 200 or (at + 8 > #ids and #batch > 0) then
    redis.call('ZADD', h, unpack(batch))
    meta = trim(h, m, meta, cap)
    batch = {}
  end
end
if build >= 0 then
  redis.call('SETRANGE', m, 14, 'R')
  redis.call('PEXPIRE', h, ARGV[3])
  redis.call('PEXPIRE', m, ARGV[3])
end
return 1
"""
)

# KEYS h m e; ARGV ids. Says how many were there.
PURGE = Script(
    _COMMON
    + """
if not fits(KEYS[1], KEYS[2], KEYS[3]) then return 0 end
local ids, gone = ARGV[1], 0
for at = 1, #ids, 8 do
  gone = gone + redis.call('ZREM', KEYS[1], string.sub(ids, at, at + 7))
end
return gone
"""
)

# KEYS h m e. Says all ids in one string.
ALL = Script(
    _COMMON
    + """
if not fits(KEYS[1], KEYS[2], KEYS[3]) then return '' end
return table.concat(redis.call('ZRANGE', KEYS[1], 1, -1))
"""
)

# KEYS h m e; ARGV how many to keep.
TRIM = Script(
    _COMMON
    + """
local meta = fits(KEYS[1], KEYS[2], KEYS[3])
if meta then trim(KEYS[1], KEYS[2], meta, tonumber(ARGV[1])) end
return 0
"""
)
