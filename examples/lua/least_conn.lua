-- Fewest requests in flight by weight; equals take turns. What policy least_conn does.
function score(endpoint)
  return endpoint.in_flight / endpoint.weight
end
