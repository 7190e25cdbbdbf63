-- The last server is the canary. It gets who asks for it by the header X-Canary, and 5 % of all
-- others, always the same clients; who says "X-Canary: never" stays away from it.
local canaries = { ["10.0.0.9:8080"] = true, ["127.0.0.1:8089"] = true }
local percent = 5

local function wants(request)
  local header = request:header("x-canary")
  if header then return header ~= "never" end
  return share(request.client or request.key or request.route or "") * 100 < percent
end

function score(endpoint, request)
  if (canaries[endpoint.address] or false) ~= wants(request) then return math.huge end
  return endpoint.predicted
end
