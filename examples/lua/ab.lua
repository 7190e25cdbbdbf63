-- Half of the clients by one policy, half by another: to compare two on the same traffic. The route
-- says which, so the status shows each half's cost apart.
local function half(request)
  return share(request.client or request.key or request.route or "") < 0.5 and "a" or "b"
end

local policies = {
  a = function(endpoint) return endpoint.in_flight / endpoint.weight end,
  b = function(endpoint) return endpoint.predicted end,
}

function score(endpoint, request)
  return policies[half(request)](endpoint)
end

function route(request)
  return half(request) .. " " .. (request.path or request.route or "")
end
