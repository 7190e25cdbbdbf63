#include "bench/backends/models/api.h"

#include <xxhash.h>

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "bench/common/usage_error.h"

namespace leastwise::bench {
namespace {

using nlohmann::json;

std::string content_of(const json& content, const char* name) {
  if (content.is_string()) return content.get<std::string>();
  if (content.is_null()) return "";
  std::string text;
  for (const json& part : content) {
    const json& own = part.is_object() ? part.value("text", json()) : part;
    if (!content.is_array() || !own.is_string()) {
      throw UsageError(std::string(name) + ": accepted: a string, or a list of texts");
    }
    text += own.get<std::string>();
  }
  return text;
}

std::string chat_of(const json& request) {
  const auto messages = request.find("messages");
  if (messages == request.end() || !messages->is_array() || messages->empty()) {
    throw UsageError("messages: accepted: a list of one at least");
  }
  std::string prompt;
  for (const json& message : *messages) {
    if (!message.is_object() || !message.contains("role") || !message["role"].is_string()) {
      throw UsageError("messages: accepted: objects with a role");
    }
    prompt.append("<|").append(message["role"].get<std::string>()).append("|>\n");
    prompt.append(content_of(message.value("content", json()), "content")).append("<|end|>\n");
  }
  return prompt.append("<|assistant|>\n");
}

std::string prompt_of(const json& request) {
  if (!request.contains("prompt")) throw UsageError("prompt: missing");
  return content_of(request["prompt"], "prompt");
}

std::uint32_t max_tokens_of(const json& request) {
  for (const char* name : {"max_completion_tokens", "max_tokens"}) {
    const auto found = request.find(name);
    if (found == request.end() || found->is_null()) continue;
    if (!found->is_number_unsigned() || *found < 1U || *found > kMostAnswerTokens) {
      throw UsageError(std::string(name) + ": accepted: 1 to " + std::to_string(kMostAnswerTokens));
    }
    return found->get<std::uint32_t>();
  }
  return Completion().max_tokens;
}

bool is_true(const json& object, const char* name) {
  return object.is_object() && object.contains(name) && object[name] == true;
}

std::string string_of(const json& request, const char* name) {
  const auto found = request.find(name);
  return found != request.end() && found->is_string() ? found->get<std::string>() : "";
}

json usage_of(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.answer_tokens},
          {"total_tokens", usage.prompt_tokens + usage.answer_tokens},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}}};
}

json head_of(const Completion& completion, std::uint64_t number, bool is_event) {
  const char* kind = !completion.is_chat ? "text_completion"
                     : is_event          ? "chat.completion.chunk"
                                         : "chat.completion";
  return {{"id", (completion.is_chat ? "chatcmpl-" : "cmpl-") + std::to_string(number)},
          {"object", kind},
          {"model", completion.model}};
}

std::string event(std::string_view data) {
  std::array<char, 16> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), data.size() + 8, 16).ptr;
  std::string chunk(size.data(), end);
  return chunk.append("\r\ndata: ").append(data).append("\n\n\r\n");
}

}  // namespace

Completion parse_completion(bool is_chat, std::string_view body) {
  const json request = json::parse(body, nullptr, false);
  if (!request.is_object()) throw UsageError("the body: accepted: an object in JSON");
  Completion completion;
  completion.is_chat = is_chat;
  completion.streams = is_true(request, "stream");
  completion.says_usage = is_true(request.value("stream_options", json()), "include_usage");
  completion.model = string_of(request, "model");
  const std::string salt = completion.model + '\0' + string_of(request, "cache_salt");
  completion.salt = XXH3_64bits(salt.data(), salt.size());
  completion.prompt = is_chat ? chat_of(request) : prompt_of(request);
  completion.max_tokens = max_tokens_of(request);
  return completion;
}

sim::Text text_of(const Completion& completion, std::string_view more) {
  std::string whole;
  std::string_view left = completion.prompt;
  if (!more.empty()) left = whole.append(completion.prompt).append(more);
  sim::Text text;
  while (!left.empty()) {
    const std::string_view piece = left.substr(0, sim::kBlockBytes);
    text.add({XXH3_64bits_withSeed(piece.data(), piece.size(), completion.salt),
              static_cast<std::uint32_t>(piece.size())});
    left.remove_prefix(piece.size());
  }
  return text;
}

std::string answer_token(std::uint64_t number, std::uint32_t at) {
  std::uint64_t letters = sim::mix(number, at);
  std::string token(sim::kTokenBytes, ' ');
  for (std::size_t i = 0; i + 1 < token.size(); ++i, letters /= 26) {
    token[i] = static_cast<char>('a' + letters % 26);
  }
  return token;
}

std::string answer_text(std::uint64_t number, std::uint32_t tokens) {
  std::string text;
  for (std::uint32_t i = 0; i < tokens; ++i) text += answer_token(number, i);
  return text;
}

std::string stream_head(bool keeps_alive) {
  return std::string("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n") +
         "Transfer-Encoding: chunked\r\n" + (keeps_alive ? "\r\n" : "Connection: close\r\n\r\n");
}

std::string token_event(const Completion& completion, std::uint64_t number, std::uint32_t at,
                        bool is_last) {
  json choice = {{"index", 0}, {"finish_reason", nullptr}};
  if (is_last) choice["finish_reason"] = "length";
  if (completion.is_chat) {
    choice["delta"]["content"] = answer_token(number, at);
    if (at == 0) choice["delta"]["role"] = "assistant";
  } else {
    choice["text"] = answer_token(number, at);
  }
  json value = head_of(completion, number, true);
  value["choices"] = json::array({std::move(choice)});
  return event(value.dump());
}

std::string last_events(const Completion& completion, std::uint64_t number, const Usage& usage) {
  std::string bytes;
  if (completion.says_usage) {
    json value = head_of(completion, number, true);
    value["choices"] = json::array();
    value["usage"] = usage_of(usage);
    bytes = event(value.dump());
  }
  return bytes.append(event("[DONE]")).append("0\r\n\r\n");
}

std::string whole_answer(const Completion& completion, std::uint64_t number, const Usage& usage) {
  json choice = {{"index", 0}, {"finish_reason", "length"}};
  const std::string text = answer_text(number, usage.answer_tokens);
  if (completion.is_chat) {
    choice["message"] = {{"role", "assistant"}, {"content", text}};
  } else {
    choice["text"] = text;
  }
  json value = head_of(completion, number, false);
  value["choices"] = json::array({std::move(choice)});
  value["usage"] = usage_of(usage);
  return value.dump();
}

std::string error_body(int status, std::string_view message) {
  const char* type = status == 404 ? "NotFoundError" : "BadRequestError";
  return json{{"error", {{"message", message}, {"type", type}, {"code", status}}}}.dump();
}

}  // namespace leastwise::bench
