// least_conn as other policies fall back to it.
#ifndef LEASTWISE_SRC_POLICIES_LEAST_CONN_H_
#define LEASTWISE_SRC_POLICIES_LEAST_CONN_H_

#include "policies/tie_break.h"

namespace leastwise {

inline Choice pick_least_conn(PickContext& context) noexcept {
  return pick_least(context, [&](MemberIndex member) noexcept {
    return static_cast<float>(context.in_flight(member)) *
           context.endpoint(member).inverse_weight.get();
  });
}

}  // namespace leastwise

#endif  // LEASTWISE_SRC_POLICIES_LEAST_CONN_H_
