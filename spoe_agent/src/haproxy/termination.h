// What HAProxy's termination state says of the server, and how long the server was occupied.
//
//   cause             phase                    result
//   -  ended well     any                      kOk, or kServerError for a status of 500 or more
//   any               L last bytes to client   as "-": the server had finished
//   S  server ended   C connecting             kRefused
//                     H waiting for the answer kReset
//                     D within the answer      kTruncated
//                     Q in the queue           kCancelled
//                     any other                as "-": it answered before it had all of the request
//   s  server silent  C connecting             kRefused
//                     H, D                     kTimeout
//                     Q, any other             kCancelled
//   P  HAProxy        H                        kReset: an answer that can not be read
//      refused        D                        kTruncated: chunks that can not be read
//                     any other                kCancelled: the request was at fault
//   D  server went    H                        kReset
//      down           D                        kTruncated
//                     any other                kCancelled
//   C, c client left  Q                        kCancelled: it never reached the server
//                     any other                kClientGone
//   R, I, L, U, K, …  any                      kCancelled: HAProxy's own affair
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_TERMINATION_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_TERMINATION_H_

#include <cstdint>

#include "haproxy/feedback_line.h"
#include "leastwise/config.h"
#include "leastwise/outcome.h"

namespace leastwise::agent {

// By the table above.
Result classify(char cause, char phase, int status) noexcept;

// An answer of up to so many bytes is taken off the server at its own pace: HAProxy's buffer and
// the socket buffers of the system hold it whatever the client does. Chosen without experiment.
inline constexpr std::uint64_t kBufferedBytes = 65536;

// `since_pick` is the time from the pick to the arrival of the line, by our own clock. HAProxy's
// timers are whole milliseconds, far too coarse for a server that answers in one; so they only
// bound our own measure, which a late line could make too long:
//   full        since_pick - queue, at most the total and a millisecond
//   first byte  connect + answer, at least, and a millisecond more at most
// `sample` chooses between the two. auto: the full answer up to kBufferedBytes, to the first byte
// beyond, or after a switch of protocols (101), when the length belongs to the client; of TCP the
// time to connect, for all that follows does.
Outcome outcome_of(const FeedbackLine& line, Sample sample, Duration since_pick) noexcept;

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_TERMINATION_H_
