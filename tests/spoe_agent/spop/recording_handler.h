// A handler that remembers what it saw and answers as a pick would.
#ifndef LEASTWISE_TESTS_SPOE_AGENT_SPOP_RECORDING_HANDLER_H_
#define LEASTWISE_TESTS_SPOE_AGENT_SPOP_RECORDING_HANDLER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "spop/connection.h"

namespace leastwise::spop::test {

class RecordingHandler : public Handler {
 public:
  void on_notify(Messages messages, Actions& actions) noexcept override {
    std::string names;
    for (std::string_view name; messages.next(name);) names += std::string(name) + ";";
    notified.push_back(names);
    actions.set_var(Scope::kTransaction, "srv", "s2");
    actions.set_var(Scope::kTransaction, "srv2", "s1");
  }
  void on_hello(const Hello& hello) noexcept override {
    ++hellos;
    engine_id = hello.engine_id;
  }
  void on_disconnect(const Disconnect& disconnect) noexcept override {
    peer_status = disconnect.status;
    peer_message = disconnect.message;
  }

  std::vector<std::string> notified;
  int hellos = 0;
  std::string engine_id;
  std::uint64_t peer_status = 0;
  std::string peer_message;
};

// What it makes of any NOTIFY.
inline const std::string kPickActions("\1\3\2\3srv\x08\2s2\1\3\2\4srv2\x08\2s1", 23);

}  // namespace leastwise::spop::test

#endif  // LEASTWISE_TESTS_SPOE_AGENT_SPOP_RECORDING_HANDLER_H_
