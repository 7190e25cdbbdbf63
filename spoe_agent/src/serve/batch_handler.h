// BatchHandler: who answers the questions that the Server reads.
#ifndef LEASTWISE_SPOE_AGENT_SERVE_BATCH_HANDLER_H_
#define LEASTWISE_SPOE_AGENT_SERVE_BATCH_HANDLER_H_

#include "leastwise/clock.h"
#include "spop/connection.h"

namespace leastwise::agent {

class BatchHandler : public spop::Handler {
 public:
  // Before each batch of frames. `is_outdated`: they have waited for so long that HAProxy has
  // given them up; an answer now could be taken for that of another question.
  virtual void begin(TimePoint now, bool is_outdated) noexcept = 0;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_BATCH_HANDLER_H_
