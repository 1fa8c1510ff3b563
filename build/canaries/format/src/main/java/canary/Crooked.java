package canary;

/** Compiles without a warning. */
public final class Crooked
{
  private Crooked( ) { }
}
