-- What a script can see. It is run once for each script, with all that LuaJIT has; the script gets
-- what stands in `sandbox` and nothing else.
local ffi, address = ...
local view = ffi.cast("leastwise_view*", address)

local assert, error, pairs, rawget, rawset, setfenv, setmetatable, tostring, type, unpack =
  assert, error, pairs, rawget, rawset, setfenv, setmetatable, tostring, type, unpack
local band, rshift = bit.band, bit.rshift
local rep, sub, find = string.rep, string.sub, string.find
local text_of, istype = ffi.string, ffi.istype
local exp, huge = math.exp, math.huge

-- ---- time: checks.h puts a call of it into each loop and each function

local function check()
  local left = view.left - 1
  view.left = left
  if left <= 0 then
    view.left = view.look_at_clock(view)
    if view.left == 0 then error("took too long", 3) end
  end
end

-- ---- endpoints

local function hot_of(id)
  if id >= view.capacity then error("this endpoint is of another pool", 3) end
  return view.hot[id]
end
local function record_of(id)
  if id >= view.capacity then error("this endpoint is of another pool", 3) end
  return view.records[id]
end

-- Names are read when they are asked for, and kept until another has the place.
local names, name_low, name_high = {}, {}, {}
local function name_of(id)
  local record = record_of(id)
  local low, high = record.hash_low, record.hash_high
  if name_low[id] ~= low or name_high[id] ~= high then
    local size = record.name_size
    local name = text_of(record.name, size < 192 and size or 191)
    local slash = find(name, "/", (find(name, "/", 1, true) or 0) + 1, true)  -- http/UPSTREAM/SERVER
    names[id], name_low[id], name_high[id] = sub(name, (slash or 0) + 1), low, high
  end
  return names[id]
end

-- A figure of the last load report, nil when there was none of late.
local function reported(id, shift, mask, steps)
  local record = record_of(id)
  local bits = band(rshift(record.reported, shift), mask)
  local age = band(view.now_ms - record.report_ms, -1)
  if bits == 0 or age < -1000 or age > 3000 then return nil end
  return (bits - 1) / steps
end

local function in_flight(id)
  if view.counts ~= nil and id < view.capacity then return view.counts[id] end
  return rshift(hot_of(id).load_high, 12)
end

local function error_share(id)
  local hot = hot_of(id)
  local share = hot.error_share
  if not (share > 0) then return 0 end
  local age = band(view.now_ms - hot.error_ms, -1)
  return age > 0 and share * exp(-age / 10000) or share  -- core/src/pick/score.h, error_now
end

-- Name, unit, what it is, how it is read. docs/lua.md is printed from these.
local endpoint_fields = {
  { "name", "text", "address and port, as the configuration has them or DNS says", name_of },
  { "in_flight", "requests", "that it has now, in all processes", in_flight },
  { "weight", "number", "as configured, times the part of it that `slow_start` grants", function(id)
    local record = record_of(id)
    local warmth = record.warmth
    return warmth > 0 and warmth < 1 and record.weight * warmth or record.weight
  end },
  { "predicted", "score", "what `adaptive` goes by: seconds, with the queue, failures and weight in it; before it has learned, requests in flight by weight", function(id)
    if id >= view.capacity then error("this endpoint is of another pool", 2) end
    local score = view.predict(view, id)
    if score ~= score then error("endpoint.predicted: there is no request", 2) end
    return score
  end },
  { "answer_time", "seconds", "of late; a slow answer counts at once, quick ones little by little; nil: not known", function(id)
    local seconds = record_of(id).answer_seconds
    return seconds > 0 and seconds or nil
  end },
  { "slowness", "number", "seconds that it takes for a second of work as predicted; nil: not known", function(id)
    local slowness = hot_of(id).slowness
    return slowness > 0 and slowness or nil
  end },
  { "error_share", "0 to 1", "part of its answers of late that failed", error_share },
  { "rate", "per second", "requests that it gets", function(id) return record_of(id).rate end },
  { "picks", "requests", "that it got since it was first configured, modulo 2^32", function(id)
    return record_of(id).picks
  end },
  { "utilisation", "number", "by its load reports of the last 3 seconds; nil: none said so", function(id)
    return reported(id, 20, 0xfff, 1000)
  end },
  { "cpu", "number", "the same, of the processor", function(id) return reported(id, 8, 0xfff, 1000) end },
  { "memory", "0 to 1", "the same, of memory", function(id) return reported(id, 0, 0xff, 200) end },
  { "max_conns", "requests", "that it may have at once; 0: any number", function(id)
    return hot_of(id).max_conns
  end },
  { "is_near", "boolean", "in `locality`, or there is no such directive", function(id)
    return band(hot_of(id).flags, 8) == 0
  end },
  { "is_draining", "boolean", "finishes what it has", function(id)
    return band(hot_of(id).flags, 2) ~= 0
  end },
  { "is_backup", "boolean", "for when no other may be picked", function(id)
    return band(hot_of(id).flags, 4) ~= 0
  end },
}

local function getters(fields)
  local get = {}
  for _, field in pairs(fields) do get[field[1]] = field[4] end
  return get
end
local function names_in(fields)
  local list = {}
  for i, field in pairs(fields) do list[i] = field[1] end
  return table.concat(list, ", ")
end

local endpoint_get, endpoint_t = getters(endpoint_fields), ffi.typeof("leastwise_endpoint")
ffi.metatype(endpoint_t, {
  __index = function(endpoint, name)
    local get = endpoint_get[name]
    if not get then
      error("endpoint." .. tostring(name) .. ": there are " .. names_in(endpoint_fields), 2)
    end
    return get(endpoint.id)
  end,
  __newindex = function() error("an endpoint can not be written to", 2) end,
  __tostring = function(endpoint) return name_of(endpoint.id) end,
})

-- One for each, made when it is first needed.
local endpoints = setmetatable({}, { __index = function(made, id)
  local endpoint = endpoint_t(id)
  made[id] = endpoint
  return endpoint
end })

-- ---- the request

local function look_up(what, name)
  if name ~= nil and type(name) ~= "string" then error("expected a name, got a " .. type(name), 3) end
  if view.look_up(view, what, name or "", name and #name or 0) == 0 then return nil end
  return text_of(view.text, view.text_size)
end
local function number(what)
  if view.look_up(view, what, "", 0) == 0 then return nil end
  return view.number
end

-- Numbered as What in request.h.
local request_fields = {
  { "method", "text", "GET, POST, …", function() return look_up(0) end },
  { "host", "text", "of the request line or the header", function() return look_up(1) end },
  { "path", "text", "without arguments; in nginx decoded and merged, as `$uri`", function() return look_up(2) end },
  { "query", "text", "what follows the question mark", function() return look_up(3) end },
  { "client", "text", "the client's address", function() return look_up(4) end },
  { "body_length", "bytes", "by its header", function() return number(5) end },
  { "route", "text", "in the simulator: of the request's kind", function() return look_up(6) end },
  { "key", "text", "in the simulator: of the request's group", function() return look_up(7) end },
}
local request_methods = {
  { "header", "text", "of that name, case aside", function(_, name) return look_up(8, name or error("header(NAME): no name", 2)) end },
  { "cookie", "text", "of that name", function(_, name) return look_up(9, name or error("cookie(NAME): no name", 2)) end },
  { "arg", "text", "of that name in the query, as it stands there", function(_, name) return look_up(10, name or error("arg(NAME): no name", 2)) end },
  { "variable", "text", "of nginx: `request:variable(\"ssl_preread_server_name\")`", function(_, name) return look_up(11, name or error("variable(NAME): no name", 2)) end },
}

local request_get, request_call = getters(request_fields), getters(request_methods)
local request_t = ffi.typeof("leastwise_request")
ffi.metatype(request_t, {
  __index = function(_, name)
    local call = request_call[name]
    if call then return call end
    local get = request_get[name]
    if not get then
      error("request." .. tostring(name) .. ": there are " .. names_in(request_fields) ..
            ", and the functions " .. names_in(request_methods), 2)
    end
    return get()
  end,
  __newindex = function() error("a request can not be written to", 2) end,
  __tostring = function() return "request" end,
})
local request = request_t()

-- ---- the pool, for tick()

local pool = setmetatable({}, { __newindex = function() error("pool can not be written to", 2) end })
local function id_of(endpoint, name)
  if not istype(endpoint_t, endpoint) then error(name .. ": expected an endpoint", 3) end
  if endpoint.id >= view.capacity then error("this endpoint is of another pool", 3) end
  return endpoint.id
end
local pool_members = {
  { "endpoints", "list", "of all that are configured", nil },
  { "now", "seconds", "of a clock that never goes back", nil },
  { "set_weight", "function", "`pool.set_weight(endpoint, factor)`: from now on its score is divided by it; 0.001 to 1000", function(endpoint, factor)
    local id = id_of(endpoint, "set_weight")
    if type(factor) ~= "number" or not (factor >= 0.001 and factor <= 1000) then
      error("set_weight: expected 0.001 to 1000, got " .. tostring(factor), 2)
    end
    view.factors[id] = factor
  end },
  { "leave_out", "function", "`pool.leave_out(endpoint)`: no more requests until the next tick, unless all are left out", function(endpoint)
    view.factors[id_of(endpoint, "leave_out")] = 0
  end },
}
for _, member in pairs(pool_members) do rawset(pool, member[1], member[4]) end

-- ---- texts: none of what takes longer than the text is long

local function text(value, what)
  if type(value) ~= "string" and type(value) ~= "number" then
    error(what .. ": expected a text, got a " .. type(value), 3)
  end
  return tostring(value)
end
local helpers = {
  { "share", "0 to 1", "`share(text)`: the same number for the same text, evenly spread over all texts, in every process and after each start", function(value)
    value = text(value, "share")
    return view.share(value, #value)
  end },
  { "starts", "boolean", "`starts(text, prefix)`: whether it begins so; false for nil", function(value, prefix)
    return type(value) == "string" and sub(value, 1, #prefix) == prefix
  end },
  { "part", "text", "`part(text, separator, n)`: the n-th of the parts between separators, from 1; nil: there are fewer", function(value, separator, n)
    value, separator = text(value, "part"), text(separator, "part")
    if separator == "" then error("part: expected a separator, got an empty text", 2) end
    local from = 1
    for _ = 2, n do
      local at = find(value, separator, from, true)
      if not at then return nil end
      from = at + #separator
    end
    return sub(value, from, (find(value, separator, from, true) or 0) - 1)
  end },
}

-- ---- the sandbox

local function copy(from, names)
  local to = {}
  for _, name in pairs(names) do to[name] = assert(from[name], name) end
  return to
end
local function names_of(from)
  local names = {}
  for name in pairs(from) do names[#names + 1] = name end
  return names
end
local texts = copy(string, { "byte", "char", "format", "len", "lower", "upper", "sub", "reverse" })
texts.rep = function(value, n)
  value = text(value, "rep")
  if type(n) ~= "number" or not (#value * n <= 65536) then
    error("rep: expected a text of at most 65536 bytes", 2)
  end
  return rep(value, n)
end
-- Patterns can take a time that grows with powers of the text's length.
texts.find = function(value, what, from) return find(text(value, "find"), text(what, "find"), from, true) end
getmetatable("").__index = texts
getmetatable("").__metatable = "text"

local sandbox = copy(_G, { "assert", "error", "ipairs", "next", "pairs", "pcall", "rawequal",
  "rawget", "rawset", "select", "setmetatable", "getmetatable", "tonumber", "tostring", "type",
  "unpack", "xpcall" })
sandbox._G, sandbox._VERSION = sandbox, _VERSION
sandbox.string, sandbox.math, sandbox.bit = texts, copy(math, names_of(math)), copy(bit, names_of(bit))
sandbox.math.randomseed = nil
sandbox.table = copy(table, { "concat", "insert", "remove", "sort", "maxn" })
for _, helper in pairs(helpers) do sandbox[helper[1]] = helper[4] end

-- ---- what is called

local functions = { "score", "pick", "tick", "route", "key" }
local drivers = {}

local function weighted(score, id, is_ticked)
  if not is_ticked then return score end
  local factor = view.factors[id]
  if factor == 0 then return huge end
  return score > 0 and score / factor or score
end

local function scorer(score, is_ticked)
  return function()
    -- Pointers are boxed where they are kept outside of the loop, which is compiled, this is not.
    for i = 0, view.candidate_count - 1 do
      local id = view.members[view.candidates[i]].id
      local s = score(endpoints[id], request)
      if type(s) ~= "number" or s ~= s then
        error("score: expected a number, got " .. (s ~= s and "NaN" or "a " .. type(s)), 0)
      end
      view.scores[i] = weighted(s, id, is_ticked)
    end
  end
end

local function picker(pick, is_ticked)
  local list, size = {}, 0
  return function()
    local count = 0
    for i = 0, view.candidate_count - 1 do
      local id = view.members[view.candidates[i]].id
      if not is_ticked or view.factors[id] ~= 0 then
        count = count + 1
        list[count] = endpoints[id]
      end
    end
    for i = count + 1, size do list[i] = nil end
    size = count
    if count == 0 then return end
    local endpoint = pick(list, request)
    if endpoint == nil then return end
    if not istype(endpoint_t, endpoint) then
      error("pick: expected one of the candidates or nil, got a " .. type(endpoint), 0)
    end
    view.chosen = endpoint.id
  end
end

local function ticker(tick)
  local list, size = {}, 0
  return function()
    for i = 0, view.capacity - 1 do view.factors[i] = 1 end
    for i = 1, view.pool_size do list[i] = endpoints[view.pool[i - 1]] end
    for i = view.pool_size + 1, size do list[i] = nil end
    size = view.pool_size
    rawset(pool, "endpoints", list)
    rawset(pool, "now", view.now)
    tick(pool)
  end
end

local function teller(tell, name)
  return function()
    local value = tell(request)
    if value == nil or type(value) == "string" then return value end
    if type(value) == "number" and value == value then return tostring(value) end
    error(name .. ": expected a text, a number or nil, got " ..
          (value ~= value and "NaN" or "a " .. type(value)), 0)
  end
end

-- Runs the script's own lines, and says which functions it has.
function drivers.start(chunk)
  setfenv(chunk, sandbox)
  chunk(check)
  local has = {}
  for i, name in pairs(functions) do
    local f = rawget(sandbox, name)
    if f ~= nil and type(f) ~= "function" then
      error(name .. ": expected a function, got a " .. type(f), 0)
    end
    has[i] = f or false
  end
  local score, pick, tick, route, key = unpack(has)
  if score and pick then error("score and pick: expected one of the two", 0) end
  local is_ticked = tick and true or false
  local chooser
  if pick then
    chooser = picker(pick, is_ticked)
  elseif score or tick then
    chooser = scorer(score or function(endpoint) return endpoint.predicted end, is_ticked)
  end
  return chooser, (pick and true or false), tick and ticker(tick), route and teller(route, "route"),
    key and teller(key, "key")
end

function drivers.seed(n) math.randomseed(n) end

-- For the manual: name, unit and words of all that there is.
function drivers.manual()
  local lines = {}
  local function section(title, fields, prefix)
    lines[#lines + 1] = "\n## " .. title .. "\n| | | |\n|---|---|---|"
    for _, field in pairs(fields) do
      lines[#lines + 1] = "| `" .. prefix .. field[1] .. "` | " .. field[2] .. " | " .. field[3] .. " |"
    end
  end
  section("An endpoint", endpoint_fields, "endpoint.")
  section("The request", request_fields, "request.")
  section("Of the request, by name", request_methods, "request:")
  section("The pool", pool_members, "pool.")
  section("Helpers", helpers, "")
  return table.concat(lines, "\n") .. "\n"
end

return drivers.start, drivers.seed, drivers.manual
