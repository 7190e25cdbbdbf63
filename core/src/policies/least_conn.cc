#include "policies/least_conn.h"

namespace leastwise {

extern const Policy least_conn_policy;
const Policy least_conn_policy = {
    "least_conn", "fewest requests in flight per weight; equals take turns",
    nullptr,      pick_least_conn,
    false,        false,
    true};

}  // namespace leastwise
