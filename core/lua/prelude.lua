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
    if view.left == 0 then error("took too long", 2) end
  end
end

-- ---- endpoints

local function starts(value, prefix)
  return type(value) == "string" and sub(value, 1, #prefix) == prefix
end
local function hot_of(id)
  if id >= view.capacity then error("this endpoint is of another pool", 3) end
  return view.hot[id]
end
local function record_of(id)
  if id >= view.capacity then error("this endpoint is of another pool", 3) end
  return view.records[id]
end

-- Names are read when they are asked for, and kept until another has the place.
local names, addresses, name_low, name_high = {}, {}, {}, {}
local function read_name(id)
  local record = record_of(id)
  local low, high = record.hash_low, record.hash_high
  if name_low[id] ~= low or name_high[id] ~= high then
    local size = record.name_size
    local name = text_of(record.name, size < 192 and size or 191)
    local slash = find(name, "/", 1, true) or 0  -- http/UPSTREAM/ADDRESS, haproxy/BACKEND/NAME@ADDRESS
    local server = sub(name, (find(name, "/", slash + 1, true) or slash) + 1)
    local at = starts(name, "haproxy/") and find(server, "@", 1, true)
    names[id], addresses[id] = at and sub(server, 1, at - 1) or server, at and sub(server, at + 1) or server
    name_low[id], name_high[id] = low, high
  end
end
local function name_of(id) read_name(id) return names[id] end
local function address_of(id) read_name(id) return addresses[id] end

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
  { "name", "text", "in HAProxy the server's; in nginx its address and port, as configured or as DNS says", name_of },
  { "address", "text", "address and port", address_of },
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
  { "route", "text", "in the simulator: of the request's kind; in HAProxy the argument", function() return look_up(6) end },
  { "key", "text", "in the simulator: of the request's group; in HAProxy the argument", function() return look_up(7) end },
}
local request_methods = {
  { "header", "text", "of that name, case aside; this and the next two are in HAProxy the argument of that name", function(_, name) return look_up(8, name or error("header(NAME): no name", 2)) end },
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
