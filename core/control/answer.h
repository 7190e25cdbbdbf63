// Answer: what control says, as JSON.
#ifndef LEASTWISE_CORE_CONTROL_ANSWER_H_
#define LEASTWISE_CORE_CONTROL_ANSWER_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "leastwise/config.h"
#include "leastwise/pool.h"
#include "leastwise/text.h"

namespace leastwise::control {

// Why a request is refused. `code` is for programs, the text says what to do.
class Refusal {
 public:
  Refusal() noexcept = default;
  Refusal(std::uint32_t http_status, std::string_view for_programs,
          std::string_view for_people) noexcept
      : status(http_status), code(for_programs) {
    Text out(text_);
    out << for_people;
    size_ = out.view().size();
  }

  explicit operator bool() const noexcept { return status != 0; }
  std::string_view text() const noexcept { return {text_.data(), size_}; }

  std::uint32_t status = 0;  // of HTTP; 0: it is not refused
  std::string_view code;

 private:
  std::array<char, 512> text_{};
  std::size_t size_ = 0;
};

// {"error":{"status":404,"text":"…","code":"…"}}
void render(const Refusal& refusal, Text& out) noexcept;

// One server as its settings are now, and what they follow from.
void render_server(const Pool& pool, EndpointId id, const Config& config, TimePoint now,
                   Text& out) noexcept;
// All of them.
void render_servers(const Pool& pool, const Config& config, TimePoint now, Text& out) noexcept;

// "http/app/10.0.0.1:80" is server 10.0.0.1:80.
std::string_view address_of(std::string_view endpoint_name) noexcept;

// "weight=3 max_conns=0 … drain", for the log.
void render_settings(const EndpointSettings& settings, Text& out) noexcept;

}  // namespace leastwise::control

#endif  // LEASTWISE_CORE_CONTROL_ANSWER_H_
