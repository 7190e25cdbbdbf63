-- Servers in `leastwise_locality` first. They cost nothing more; others do, for each request that is
-- sent there: so traffic spills over when all that are near have 4 more in flight for their weight.
local price = 4

function score(endpoint)
  local load = endpoint.in_flight / endpoint.weight
  return endpoint.is_near and load or load + price
end
