-- Each tenant, by the header X-Tenant or the first part of the path, has two servers that are its
-- own: rendezvous hashing, so that a server which comes or goes moves only the tenants that it has.
-- Of the two the better by prediction; when neither can be picked, adaptive chooses among all.
local function tenant_of(request)
  return request:header("x-tenant") or part(request.path or "", "/", 2) or request.key or
    request.route or ""
end

function pick(candidates, request)
  local tenant = tenant_of(request)
  local first, second, most, next_most = nil, nil, -1, -1
  for _, endpoint in ipairs(candidates) do
    local claim = share(tenant .. "@" .. endpoint.name)
    if claim > most then
      second, next_most = first, most
      first, most = endpoint, claim
    elseif claim > next_most then
      second, next_most = endpoint, claim
    end
  end
  if second and second.predicted < first.predicted then return second end
  return first
end
