// Whatever arrives at the status port.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "serve/http.h"

using namespace leastwise;
using namespace leastwise::agent;

namespace {

class Echo final : public Site {
 public:
  Answer get(std::string_view path, std::string_view query) override {
    Answer answer;
    answer.text = path;
    answer.text += query;
    return answer;
  }
  bool acts_at(std::string_view path) const noexcept override { return path.starts_with("/c"); }
  Answer act(const ActRequest& request) override {
    Answer answer;
    answer.text = request.authorization;
    answer.text += request.body;
    return answer;
  }
};

// In two pieces, so that a head may be split anywhere.
std::string answer_to(spop::Bytes bytes, std::size_t split) {
  Echo site;
  HttpProtocol protocol(site);
  const std::unique_ptr<Session> session = protocol.open();
  spop::Buffer output;
  session->feed(bytes.first(split), output);
  session->feed(bytes.subspan(split), output);
  session->go_on(output);
  session->end_of_input(output);
  if (!session->is_closing()) std::abort();
  return {output.bytes().begin(), output.bytes().end()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const spop::Bytes bytes(data, size);
  for (const std::size_t split : {std::size_t{0}, size / 2, size}) {
    const std::string answer = answer_to(bytes, split);
    if (!answer.empty() && !answer.starts_with("HTTP/1.1 ")) std::abort();
  }
  return 0;
}
