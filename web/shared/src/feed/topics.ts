/** Listeners by topic: a screen part hears only of what it shows. */

type Listener = () => void;

export class Topics {
  private readonly listeners = new Map<string, Set<Listener>>();

  subscribe(topic: string, listener: Listener): () => void {
    const set = this.listeners.get(topic) ?? new Set<Listener>();
    this.listeners.set(topic, set);
    set.add(listener);
    return () => {
      set.delete(listener);
      if (set.size === 0) this.listeners.delete(topic);
    };
  }

  tell(topic: string): void {
    for (const each of [...(this.listeners.get(topic) ?? [])]) each();
  }
}
