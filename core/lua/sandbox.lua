-- What a script may use beside what prelude.lua shows it, and what is called of it. One chunk with
-- prelude.lua, which stands before it.

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
  { "starts", "boolean", "`starts(text, prefix)`: whether it begins so; false for nil", starts },
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
