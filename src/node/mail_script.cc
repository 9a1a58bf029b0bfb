#include "src/node/mail_script.h"

namespace node {

const char* const mail_script = R"lua(
local max, ttl, page_bytes, due = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- What came at this millisecond or before is too old.
local oldest = string.format('%.0f', math.max(now - ttl, 1) - 1)
-- Whoever asked may have given up waiting, and sent it another way.
local late = due and now > due

local at = 4
local function word()
  at = at + 1
  return ARGV[at]
end
local function words(n)
  at = at + n
  return unpack(ARGV, at - n + 1, at)
end

-- What a chat is called among the consumers. A sender's token has no space.
local function consumer(sender, id) return redis.sha1hex(sender .. ' ' .. id) end

-- An entry's fields by name, those of ours at least.
local function fields(entry)
  local of = {line = '', sender = '', id = '', may_repeat = '', via = ''}
  for i = 1, #entry[2], 2 do of[entry[2][i]] = entry[2][i + 1] end
  return of
end

-- False where the group has that consumer already.
local function claim(key, group, name)
  local new = redis.pcall('XGROUP', 'CREATECONSUMER', key, group, name)
  if type(new) == 'table' then
    redis.call('XGROUP', 'CREATE', key, group, '0', 'MKSTREAM')
    new = redis.call('XGROUP', 'CREATECONSUMER', key, group, name)
  end
  return new == 1
end

-- False where there is no such group.
local function free(key, group, name)
  return type(redis.pcall('XGROUP', 'DELCONSUMER', key, group, name)) ~= 'table'
end

-- Frees what the entries' chats are called.
local function forget(key, entries)
  local marks = true
  for _, entry in ipairs(entries) do
    local of = fields(entry)
    if of.sender ~= '' then
      local name = consumer(of.sender, of.id)
      free(key, 'taken', name)
      marks = marks and free(key, 'seen', name)
    end
  end
end

-- The entries are the oldest: cheaper than one by one.
local function drop_oldest(key, entries)
  if #entries == 0 then return end
  forget(key, entries)
  redis.call('XTRIM', key, 'MAXLEN', redis.call('XLEN', key) - #entries)
end

local function drop(key, entries)
  forget(key, entries)
  for _, entry in ipairs(entries) do redis.call('XDEL', key, entry[1]) end
end

-- Drops up to so many entries that are too old: true where there may be more.
local function expire(key, most)
  local old = redis.call('XRANGE', key, '-', oldest, 'COUNT', most)
  drop_oldest(key, old)
  return #old == most
end

local function end_if_empty(key)
  if redis.call('XLEN', key) == 0 then redis.call('DEL', key) end
end

-- The chat's name may be taken by an entry that is too old, or, where nothing is
-- left, by one that somebody has deleted by hand.
local function append(key)
  local line, sender, id, may_repeat, via = words(5)
  if late then may_repeat = '1' end
  expire(key, 16)
  local name = sender ~= '' and consumer(sender, id)
  if name and not claim(key, 'taken', name) then
    while expire(key, 100) do end
    end_if_empty(key)
    if not claim(key, 'taken', name) then return 'yes' end
  end
  local refused = redis.call('XLEN', key) >= max and 'full'
  if not refused then
    local entry = {'line', line}
    local function add(what, value)
      if value == '' then return end
      entry[#entry + 1] = what
      entry[#entry + 1] = value
    end
    add('sender', sender)
    add('id', id)
    add('may_repeat', may_repeat)
    add('via', via)
    local added = redis.pcall('XADD', key, '*', unpack(entry))
    refused = type(added) == 'table' and added.err
  end
  if refused then
    if name then free(key, 'taken', name) end
    end_if_empty(key)
    return refused
  end
  redis.call('PEXPIRE', key, ttl)
  return 'yes'
end

-- How far it was taken, and whether chats of it are marked. Somebody else's stream
-- has no group.
local function marks_of(key)
  local taken, marked
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    local of = {}
    for i = 1, #group, 2 do of[group[i]] = group[i + 1] end
    if of.name == 'taken' then taken = of['last-delivered-id'] end
    if of.name == 'seen' then marked = of.consumers > 0 end
  end
  if not taken then redis.call('XGROUP', 'CREATE', key, 'taken', '0') end
  return taken or '0-0', marked
end

local function is_marked(key, of)
  local name = of.sender ~= '' and consumer(of.sender, of.id)
  if not name or not claim(key, 'seen', name) then return name end
  free(key, 'seen', name)
end

local function before(a, b)
  local a_ms, a_seq = string.match(a, '(%d+)-(%d+)')
  local b_ms, b_seq = string.match(b, '(%d+)-(%d+)')
  if a_ms == b_ms then a_ms, b_ms = a_seq, b_seq end
  if #a_ms ~= #b_ms then return #a_ms < #b_ms end
  return a_ms < b_ms
end

-- Whether it is an entry of ours: anything else would go to a client as it is.
local function good(of)
  return #of.line <= 2097152 and string.sub(of.line, 1, 1) == '{' and string.sub(of.line, -2) == '}\n' and
             string.find(of.line, '\n', 1, true) == #of.line and (of.sender == '') == (of.id == '') and
             #of.sender <= 255 and #of.id <= 1024 and
             (of.via == '' or string.find(of.via, '^%x+:%x+:%x+$'))
end

-- Reads in small bites, for lines may be long. How many lie before `after` must
-- be counted; they are those that a session has not confirmed yet.
local function take(key)
  local after = word()
  if redis.call('XLEN', key) == 0 then return {0} end
  if expire(key, 100) then return 'again' end
  local mark, marked = marks_of(key)
  local page, bad, bytes, more, last = {}, {}, 0, 0, after
  repeat
    local bite = math.min(16, 65 - #page)
    local chunk = redis.call('XRANGE', key, '(' .. last, '+', 'COUNT', bite)
    for _, entry in ipairs(chunk) do
      local of = fields(entry)
      if not good(of) then
        bad[#bad + 1] = entry
      elseif #page == 64 or (#page > 0 and bytes + #of.line > page_bytes) then
        more = 1
        break
      else
        local seen = marked and is_marked(key, of) and '1' or ''
        page[#page + 1] = {entry[1], of.line, of.sender, of.id, of.may_repeat, of.via, seen}
        bytes = bytes + #of.line
      end
      last = entry[1]
    end
  until more == 1 or #chunk < bite or #bad >= 100
  drop(key, bad)
  if #bad >= 100 then return 'again' end
  local waiting = #page
  if more == 1 then
    waiting = redis.call('XLEN', key)
    local from = '-'
    while after ~= '0-0' do
      local chunk = redis.call('XRANGE', key, from, after, 'COUNT', 64)
      waiting = waiting - #chunk
      if #chunk < 64 then break end
      from = '(' .. chunk[64][1]
    end
  end
  if #page > 0 and before(mark, page[#page][1]) then
    redis.call('XGROUP', 'SETID', key, 'taken', page[#page][1])
  end
  end_if_empty(key)
  return {waiting, more, mark, #bad, page}
end

-- Nearly always the oldest, in order.
local function remove(key)
  local ids = {words(tonumber(word()))}
  local front = redis.call('XRANGE', key, '-', ids[#ids], 'COUNT', #ids)
  local n = 0
  while front[n + 1] and front[n + 1][1] == ids[n + 1] do n = n + 1 end
  if n == #ids then
    drop_oldest(key, front)
  else
    for _, id in ipairs(ids) do drop(key, redis.call('XRANGE', key, id, id)) end
  end
  end_if_empty(key)
  return 0
end

-- A chat that lies here and was seen all the same: its name is in a group of its own.
local function mark(key)
  local name = consumer(words(2))
  if redis.call('XLEN', key) == 0 then return 0 end
  if claim(key, 'taken', name) then
    free(key, 'taken', name)
  else
    claim(key, 'seen', name)
  end
  return 0
end

local function wake(channel) return redis.call('PUBLISH', channel, word()) end

local what = {a = append, t = take, r = remove, m = mark, w = wake}
local answers = {}
for i, key in ipairs(KEYS) do
  local done, answer = pcall(what[word()], key)
  if not done then answer = type(answer) == 'table' and answer.err or tostring(answer) end
  if type(answer) == 'string' and string.find(answer, 'READONLY', 1, true) then
    return redis.error_reply('READONLY this is a replica')
  end
  answers[i] = answer
end
answers[#KEYS + 1] = now
return answers
)lua";

}  // namespace node
