// Others: averages of what other balancers have at one endpoint. See guard/others.h.
#ifndef LEASTWISE_SRC_MODEL_OTHERS_H_
#define LEASTWISE_SRC_MODEL_OTHERS_H_

namespace leastwise {

struct Others {
  float seconds = 0;         // that were looked at; 0 = nothing is known
  float requests = 0;        // in flight, and
  float work = 0;            // theirs, seconds: averages of long
  float lately = 0;          // requests of the last second,
  float spread = 0;          // and how far they are off, squared
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_MODEL_OTHERS_H_
