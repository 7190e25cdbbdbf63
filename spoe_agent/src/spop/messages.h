// Messages: walks over the messages of a NOTIFY and their arguments, without copying.
#ifndef LEASTWISE_SPOE_AGENT_SPOP_MESSAGES_H_
#define LEASTWISE_SPOE_AGENT_SPOP_MESSAGES_H_

#include <string_view>

#include "spop/reader.h"
#include "spop/types.h"

namespace leastwise::spop {

struct Argument {
  std::string_view name;
  Value value;
};

// One walk, forwards:
//   for (std::string_view name; messages.next(name);)
//     for (Argument argument; messages.next(argument);) ...
// Everything returned points into the frame. Copying a Messages copies the position, so a handler
// may walk twice. On malformed bytes the walk ends early and ok() is false; the messages that a
// Connection hands to its handler have been checked to their end, so a handler need not ask.
class Messages {
 public:
  explicit Messages(Bytes payload) noexcept : reader_(payload) {}

  // The next message, past whatever is left of the present one.
  bool next(std::string_view& name) noexcept;

  // The next argument of the present message.
  bool next(Argument& argument) noexcept {
    if (arguments_left_ == 0) return false;
    --arguments_left_;
    argument = {reader_.string(), reader_.value()};
    return reader_.ok();
  }

  bool ok() const noexcept { return reader_.ok(); }

 private:
  Reader reader_;
  unsigned arguments_left_ = 0;
};

inline bool Messages::next(std::string_view& name) noexcept {
  for (; arguments_left_ > 0 && reader_.ok(); --arguments_left_) {
    reader_.string();
    reader_.skip_value();
  }
  if (!reader_.ok() || reader_.at_end()) return false;
  name = reader_.string();
  arguments_left_ = reader_.byte();
  return reader_.ok();
}

// Whether a walk would come to the end. A NOTIFY without any message is well formed.
inline bool is_well_formed(Messages messages) noexcept {
  for (std::string_view name; messages.next(name);) {
  }
  return messages.ok();
}

}  // namespace leastwise::spop

#endif  // LEASTWISE_SPOE_AGENT_SPOP_MESSAGES_H_
