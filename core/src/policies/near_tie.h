// Near tie: endpoints that are too alike to prefer one take turns by weight.
//
// A difference that is within what so few answers can say is none: the least of several noisy
// figures would else win until its noise fades, and an operator sees equal servers used unequally.
#ifndef LEASTWISE_SRC_POLICIES_NEAR_TIE_H_
#define LEASTWISE_SRC_POLICIES_NEAR_TIE_H_

#include "pick/score.h"
#include "policies/tie_break.h"

namespace leastwise {

// Endpoints of one weight: of all whose delay is within Plan::near of the least, and that have no
// more in flight than that one, the next in turn. `costs` are the scores of the candidates, in
// their order; `choice` has the least. False: it stands. O(candidates).
bool settle_near(PickContext& context, const CandidateCosts& costs, Choice& choice) noexcept;

// Endpoints of different weights: weights are shares then, as users of canaries expect. Of all that
// would be near ties if nothing was in flight, and that have no more in flight than their share of
// it, the next in turn. Where `choice` is none of them, weight counts in the score, as it did.
// False then. O(candidates).
bool settle_by_weight(PickContext& context, const Score<float>& score, Choice& choice) noexcept;

}  // namespace leastwise

#endif  // LEASTWISE_SRC_POLICIES_NEAR_TIE_H_
