-- One backend's permits among processes, by this server's own clock. Times are milliseconds.
--
-- KEYS  born (when this server's memory of us began), fleet (processes by when they were last heard of), reads and writes (leases by their end), window (calls by their
--       end, or by their lease's end while they are under way), queue (who waits, by since when), due (until when each
--       of those is believed to be alive)
-- ARGV  what to do, the settling time, concurrency, writes, calls (0: any number), the window's length, then its own
-- A lease is named <process>:<number>; who waits <r|w>:<process>, for a process's next read or write.
-- Answers {1} granted; {0, wait} not yet; {-1, wait} this memory is too young to know who calls; and for all, added:
-- born, permits in use, calls in the window, time until the window is empty, how many processes there are.

local born, fleet, reads, writes, window, queue, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local what, settling = ARGV[1], tonumber(ARGV[2])
local most, most_writes, calls, length = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local KEPT = 3600000 -- longer than any lease: what nobody uses any more goes by itself
local LOOK_AGAIN = 500 -- the longest that anyone waits unasked: whoever was to wake him may have died
local SILENT = 5000 -- a process that has not been heard of for so long is gone; each looks twice a second
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000

local since = tonumber(redis.call('GET', born))
if not since then
  since = math.floor(now)
  redis.call('SET', born, since)
end
redis.call('PEXPIRE', born, 24 * KEPT)

redis.call('ZREMRANGEBYSCORE', reads, '-inf', now)
redis.call('ZREMRANGEBYSCORE', writes, '-inf', now)
redis.call('ZREMRANGEBYSCORE', window, '-inf', now - length)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now)) do
  redis.call('ZREM', queue, gone)
  redis.call('ZREM', due, gone)
end

local used, used_writes, counted

local function look()
  used_writes = redis.call('ZCARD', writes)
  used = redis.call('ZCARD', reads) + used_writes
  counted = redis.call('ZCARD', window)
end

local function room(kind)
  return used < most and (kind ~= 'w' or used_writes < most_writes) and (calls == 0 or counted < calls)
end

local function bell(waiter)
  return queue .. ':' .. waiter
end

local function count(kind)
  used = used + 1
  counted = counted + 1
  if kind == 'w' then
    used_writes = used_writes + 1
  end
end

-- Each of those who wait, oldest first, for whom there is room beside those before him, is told so.
local function wake()
  look()
  for _, waiter in ipairs(redis.call('ZRANGE', queue, 0, -1)) do
    local kind = string.sub(waiter, 1, 1)
    if room(kind) then
      count(kind)
      redis.call('DEL', bell(waiter))
      redis.call('RPUSH', bell(waiter), '1')
      redis.call('PEXPIRE', bell(waiter), 4 * LOOK_AGAIN)
    end
  end
end

local function leases(kind)
  return kind == 'w' and writes or reads
end

local function keep()
  for _, key in ipairs({reads, writes, window, queue, due}) do
    redis.call('PEXPIRE', key, KEPT + length)
  end
end

local function earliest(key)
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  return first[2] and tonumber(first[2]) or math.huge
end

local function answer(status, wait)
  look()
  local empty = 0
  if calls > 0 and counted > 0 then
    local last = redis.call('ZRANGE', window, -1, -1, 'WITHSCORES')
    empty = math.min(tonumber(last[2]), now) + length - now
  end
  return {status, math.ceil(wait), tostring(since), used, counted, math.ceil(empty), redis.call('ZCARD', fleet)}
end

-- look, and claim: process first
if what == 'look' or what == 'claim' then
  redis.call('ZADD', fleet, now, ARGV[7])
  redis.call('ZREMRANGEBYSCORE', fleet, '-inf', now - SILENT)
  redis.call('PEXPIRE', fleet, SILENT)
end

-- take: waiter, lease, its length, the memory that the process knows (or '')
if what == 'take' then
  local waiter, lease, lasts, known = ARGV[7], ARGV[8], tonumber(ARGV[9]), ARGV[10]
  local forgot = known ~= '' and tonumber(known) ~= since
  if forgot or now - since < settling then
    return answer(-1, math.max(0, since + settling - now))
  end
  local kind = string.sub(waiter, 1, 1)
  redis.call('DEL', bell(waiter))
  look()
  for _, earlier in ipairs(redis.call('ZRANGE', queue, 0, -1)) do
    if earlier == waiter then
      break
    end
    if room(string.sub(earlier, 1, 1)) then
      count(string.sub(earlier, 1, 1))
    end
  end
  if room(kind) then
    redis.call('ZADD', leases(kind), now + lasts, lease)
    if calls > 0 then
      redis.call('ZADD', window, now + lasts, lease)
    end
    redis.call('ZREM', queue, waiter)
    redis.call('ZREM', due, waiter)
    wake()
    keep()
    return answer(1, 0)
  end
  local opens = math.min(earliest(reads), earliest(writes))
  if calls > 0 then
    opens = math.min(opens, earliest(window) + length)
  end
  local wait = math.max(1, math.min(opens - now, LOOK_AGAIN))
  redis.call('ZADD', queue, 'NX', now, waiter)
  redis.call('ZADD', due, now + wait + 2 * LOOK_AGAIN, waiter)
  keep()
  return answer(0, wait)
end

-- leave: waiter
if what == 'leave' then
  redis.call('ZREM', queue, ARGV[7])
  redis.call('ZREM', due, ARGV[7])
  redis.call('DEL', bell(ARGV[7]))
  wake()
end

-- give: lease, whether it was used
if what == 'give' then
  redis.call('ZREM', reads, ARGV[7])
  redis.call('ZREM', writes, ARGV[7])
  if ARGV[8] == '1' then
    redis.call('ZADD', window, 'XX', now, ARGV[7])
  else
    redis.call('ZREM', window, ARGV[7])
  end
  wake()
end

-- renew: lease, its length from now
if what == 'renew' then
  for _, key in ipairs({reads, writes, window}) do
    redis.call('ZADD', key, 'XX', now + tonumber(ARGV[8]), ARGV[7])
  end
  keep()
end

-- claim: process, then kind (r, w, or c for a call in the window), name and length of each: all that it holds
if what == 'claim' then
  local mine = ARGV[7] .. ':'
  for _, key in ipairs({reads, writes, window}) do
    for _, lease in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      if string.sub(lease, 1, #mine) == mine then
        redis.call('ZREM', key, lease)
      end
    end
  end
  local keys = {r = reads, w = writes, c = window}
  for place = 8, #ARGV, 3 do
    redis.call('ZADD', keys[ARGV[place]], now + tonumber(ARGV[place + 2]), ARGV[place + 1])
  end
  wake()
  keep()
end

return answer(0, math.max(0, since + settling - now))
