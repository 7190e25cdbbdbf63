#include "serve/spoe_protocol.h"

#include <new>

#include "spop/connection.h"

namespace leastwise::agent {
namespace {

class SpoeSession final : public Session {
 public:
  SpoeSession(BatchHandler& handler, PickCounters& counters) noexcept
      : connection_(handler), counters_(counters) {}
  ~SpoeSession() override {
    if (connection_.status() != spop::StatusCode::kNormal) counters_.protocol_errors.add();
  }

  void feed(spop::Bytes bytes, spop::Buffer& output) noexcept override {
    connection_.feed(bytes, output);
  }
  void end_of_input(spop::Buffer& output) noexcept override { connection_.end_of_input(output); }
  void say_goodbye(spop::Buffer& output) noexcept override {
    connection_.disconnect(spop::StatusCode::kNormal, output);
  }
  bool is_closing() const noexcept override { return connection_.closing(); }
  bool is_owed() const noexcept override {
    return !connection_.is_open() || connection_.is_within_frame();
  }
  std::uint64_t progress() const noexcept override { return connection_.frames(); }

 private:
  spop::Connection connection_;
  PickCounters& counters_;
};

}  // namespace

std::unique_ptr<Session> SpoeProtocol::open() noexcept {
  return std::unique_ptr<Session>(new (std::nothrow) SpoeSession(handler_, counters_));
}

}  // namespace leastwise::agent
