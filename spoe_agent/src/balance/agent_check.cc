#include "balance/agent_check.h"

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "serve/descriptors.h"

namespace leastwise::agent {
namespace {

class CheckSession final : public Session {
 public:
  CheckSession(WeightAnswers& answers, const TimePoint& now) noexcept
      : answers_(answers), now_(now) {}

  void feed(spop::Bytes bytes, spop::Buffer& output) noexcept override {
    if (is_ending_) return;
    try {
      name_.append(static_cast<const char*>(static_cast<const void*>(bytes.data())), bytes.size());
      const std::size_t end = name_.find_first_of("\r\n");
      const bool is_whole = end != name_.npos;
      if (is_whole) name_.resize(end);
      is_ending_ = is_whole || name_.size() > WeightAnswers::kMostName;
      // One whose agent-send lacks the "\n" is helped all the same, once it is known.
      const bool is_meant = is_whole || answers_.is_known(name_);
      if (is_meant && name_.size() <= WeightAnswers::kMostName) answer(output);
    } catch (const std::exception&) {
      is_ending_ = true;
    }
  }
  void end_of_input(spop::Buffer&) noexcept override { is_ending_ = true; }
  void say_goodbye(spop::Buffer&) noexcept override { is_ending_ = true; }
  bool is_closing() const noexcept override { return is_ending_; }
  bool is_owed() const noexcept override { return true; }
  std::uint64_t progress() const noexcept override { return is_ending_ ? 1 : 0; }

 private:
  void answer(spop::Buffer& output) {
    is_ending_ = true;
    const std::string text = answers_.answer(name_, now_);
    const auto* bytes = static_cast<const std::uint8_t*>(static_cast<const void*>(text.data()));
    if (!output.append({bytes, text.size()})) throw std::bad_alloc();
  }

  WeightAnswers& answers_;
  const TimePoint& now_;  // of the round
  std::string name_;
  bool is_ending_ = false;
};

}  // namespace

std::unique_ptr<Session> AgentCheckProtocol::open() noexcept {
  return std::unique_ptr<Session>(new (std::nothrow) CheckSession(answers_, now_));
}

AgentCheck::AgentCheck(Fd listener, WeightAnswers& answers)
    : protocol_(answers),
      server_(std::move(listener), protocol_, counters_, {.connections = kCheckConnections}) {}

}  // namespace leastwise::agent
