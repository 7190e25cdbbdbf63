-- Requests in proportion to free memory, as load reports tell it (`leastwise_report on`). A server
-- that does not say counts as half free.
function tick(pool)
  for _, endpoint in ipairs(pool.endpoints) do
    local free = 1 - (endpoint.memory or 0.5)
    pool.set_weight(endpoint, math.max(free, 0.01))
  end
end

function score(endpoint)
  return (endpoint.in_flight + 1) / endpoint.weight
end
